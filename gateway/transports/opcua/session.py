"""One session with an OPC UA server (Part 4), over asyncua: open, read, subscribe, publish, write, close."""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from asyncua import ua  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from asyncua.crypto import security_policies, uacrypto  # type: ignore[import-untyped]  # asyncua 1.1.8 is not typed
from cryptography import x509

from gateway.diagnostics import Diagnosis
from gateway.errors import BadReply, BusDown, DeviceRefused, DeviceSilent, TransportError
from gateway.transports.opcua import security
from gateway.transports.opcua.answers import sample_of, told_in, translated
from gateway.transports.opcua.numbering import Missed, Numbering
from gateway.transports.opcua.parts import Access
from gateway.transports.opcua.socket import QuietClient
from protocols.opcua.values import UNREADABLE, Sample
from protocols.opcua.writes import Write
from protocols.profile.node_ids import NodeKey

PORT = 4840
"""IANA's for opc.tcp."""
_CLOSE_S = 1.0
"""How long a server may take to say goodbye."""
KEEP_ALIVE_S = 2.0
LONGEST_SILENCE_S = 3600.0
"""Whatever a server says that it needs between two keep-alives; what it holds is looked at once per period all the
same."""
LIFETIME_S = 30.0
"""A subscription whose client is silent for so long may be dropped by the server."""
MOST_PER_PUBLISH = 1000
MOST_PER_CALL = 500
"""Nodes in one request, or what the server says it takes."""
_LIMITS = {"read": 11705, "watch": 11714}
"""Server.ServerCapabilities.OperationLimits: MaxNodesPerRead, MaxMonitoredItemsPerCall (Part 5, 6.3.11)."""
_NAMESPACES = 2255
"""Server.NamespaceArray."""


class Changes(NamedTuple):
    """What one publish told. ``gap``: the server told something before that never came and cannot be had any more;
    ``republished``: messages of before that were asked for again, and are in ``samples``."""

    samples: list[tuple[int, Sample]]
    gap: bool
    republished: int = 0


class Session:
    """``namespaces``: the server's NamespaceArray. Make one with `open_session`."""

    def __init__(self, client: QuietClient, access: Access) -> None:
        self._client = client
        self._access = access
        self._subscription = 0
        self._numbering = Numbering()
        self._patience_s = 0.0
        self._most = dict.fromkeys(_LIMITS, MOST_PER_CALL)
        self._monitoring: Any = None
        self.namespaces: tuple[str, ...] = ()

    async def prepare(self) -> None:
        """Ask what the server is like. Raises `TransportError`."""
        wanted = [NodeKey(0, "i", number) for number in (_NAMESPACES, *_LIMITS.values())]
        names, *limits = await self.read(wanted)
        if isinstance(names.value, list):
            self.namespaces = tuple(str(one) for one in names.value)
        for kind, limit in zip(_LIMITS, limits, strict=True):
            if isinstance(limit.value, int) and limit.value > 0:
                self._most[kind] = min(MOST_PER_CALL, limit.value)

    async def read(self, nodes: Sequence[NodeKey]) -> list[Sample]:
        """The values as they stand now, in the order of ``nodes``. Raises `TransportError`.

        Where asyncua cannot decode one of them, that one is `UNREADABLE`, and the others are read without it.
        """
        found: list[Sample] = []
        for some in _pieces(nodes, self._most["read"]):
            found += await self._read(some)
        return found

    async def _read(self, nodes: Sequence[NodeKey]) -> list[Sample]:
        params = ua.ReadParameters()
        params.MaxAge = 0
        params.TimestampsToReturn = ua.TimestampsToReturn.Both
        params.NodesToRead = [_read_value(node) for node in nodes]
        try:
            with translated(self._access.url, "a read"):
                answers = [sample_of(one) for one in await self._client.uaclient.read(params)]
        except BadReply:
            if len(nodes) == 1:
                return [Sample(UNREADABLE)]
            half = len(nodes) // 2
            return [*await self._read(nodes[:half]), *await self._read(nodes[half:])]
        if len(answers) != len(nodes):
            raise BadReply(f"{self._access.url} answered a read of {len(nodes)} nodes with {len(answers)}")
        return answers

    async def subscribe(self, publishing_s: float) -> None:
        """Ask to be told what changes. Raises `TransportError`."""
        request = ua.CreateSubscriptionRequest()
        request.Parameters.RequestedPublishingInterval = publishing_s * 1000
        request.Parameters.RequestedMaxKeepAliveCount = max(1, math.ceil(KEEP_ALIVE_S / publishing_s))
        request.Parameters.RequestedLifetimeCount = max(10, math.ceil(LIFETIME_S / publishing_s))
        request.Parameters.MaxNotificationsPerPublish = MOST_PER_PUBLISH
        request.Parameters.PublishingEnabled = True
        with translated(self._access.url, "a subscription"):
            data = await self._client.uaclient.protocol.send_request(request)
            response = ua.ua_binary.struct_from_binary(ua.CreateSubscriptionResponse, data)
            response.ResponseHeader.ServiceResult.check()
            result = response.Parameters
            self._subscription = int(result.SubscriptionId)
            silence_s = float(result.RevisedPublishingInterval) * int(result.RevisedMaxKeepAliveCount) / 1000
        if not silence_s >= 0:
            raise BadReply(f"{self._access.url} grants a subscription that tells of itself every {silence_s} s")
        self._patience_s = min(silence_s, LONGEST_SILENCE_S) + self._access.timeout_s

    async def watch(self, nodes: Mapping[int, NodeKey], sampling_s: float, queue: int) -> dict[int, int]:
        """Have the changes of ``nodes`` (by handle) told; returns the status code of each that is refused.

        Raises `TransportError`.
        """
        refused: dict[int, int] = {}
        for handles in _pieces(list(nodes), self._most["watch"]):
            params = ua.CreateMonitoredItemsParameters()
            params.SubscriptionId = self._subscription
            params.TimestampsToReturn = ua.TimestampsToReturn.Both
            params.ItemsToCreate = [_item(handle, nodes[handle], sampling_s, queue) for handle in handles]
            with translated(self._access.url, "monitored items"):
                results = await self._client.uaclient.create_monitored_items(params)
                told = [int(one.StatusCode.value) for one in results]
            if len(told) != len(handles):
                raise BadReply(f"{self._access.url} answered {len(handles)} monitored items with {len(told)}")
            refused |= {handle: status for handle, status in zip(handles, told, strict=True) if status >> 30}
        return refused

    async def changes(self) -> Changes:
        """What changed, as soon as the server tells; empty where it tells that it lives. Raises `TransportError`.

        `DeviceSilent` when it told nothing for so long that it cannot be well.
        """
        try:
            async with asyncio.timeout(self._patience_s):
                with translated(self._access.url, "publishing"):
                    result = (await self._client.uaclient.publish(self._acknowledgements())).Parameters
                    message = result.NotificationMessage
                    samples = told_in(self._access.url, message)
                    held = [int(one) for one in result.AvailableSequenceNumbers or []]
                    missed = self._numbering.missed(
                        int(message.SequenceNumber), held, is_told=bool(message.NotificationData)
                    )
        except TimeoutError:
            raise DeviceSilent(
                f"{self._access.url} told nothing for {self._patience_s:.1f} s, not even that it lives"
            ) from None
        return Changes(samples, gap=False) if missed is None else await self._republished(missed, samples)

    async def _republished(self, missed: Missed, samples: list[tuple[int, Sample]]) -> Changes:
        """Ask for what never came (Part 4, 5.13.5), before what came after it, which waits for one timeout at most: it
        is there, and counts whatever becomes of the question (S9)."""
        earlier: list[tuple[int, Sample]] = []
        fetched = 0
        with suppress(TimeoutError, TransportError):
            async with asyncio.timeout(self._access.timeout_s):
                for number in missed.numbers:
                    try:
                        earlier += await self._republish(number)
                    except DeviceRefused:
                        continue  # the server has thrown it away, or keeps nothing at all
                    self._numbering.taken(number)
                    fetched += 1
        is_whole = fetched == len(missed.numbers) and not missed.is_gone
        return Changes([*earlier, *samples], not is_whole, fetched)

    async def _republish(self, number: int) -> list[tuple[int, Sample]]:
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = self._subscription
        request.Parameters.RetransmitSequenceNumber = number
        with translated(self._access.url, "a question for a lost publish"):
            data = await self._client.uaclient.protocol.send_request(request)
            response = ua.ua_binary.struct_from_binary(ua.RepublishResponse, data)
            response.ResponseHeader.ServiceResult.check()
            message = response.NotificationMessage
            if int(message.SequenceNumber) != number:
                raise DeviceRefused(f"{self._access.url} answered for publish {number} with another")
            return told_in(self._access.url, message)

    def _acknowledgements(self) -> list[Any]:
        done = []
        for number in self._numbering.to_acknowledge():
            one = ua.SubscriptionAcknowledgement()
            one.SubscriptionId, one.SequenceNumber = self._subscription, number
            done.append(one)
        return done

    async def write(self, write: Write) -> int:
        """Write one value; returns the server's status code. Raises `TransportError`."""
        value = ua.DataValue(ua.Variant(write.value, getattr(ua.VariantType, write.type)))
        with translated(self._access.url, "a write"):
            (status,) = await self._client.uaclient.write_attributes([node_id(write.node)], [value])
            return int(status.value)

    async def browse(self, node: NodeKey) -> list[Any]:
        """The references from a node that lead down, as asyncua has them. Raises `TransportError`."""
        with translated(self._access.url, "browsing"):
            return list(
                await self._client.get_node(node_id(node)).get_references(
                    ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward
                )
            )

    async def attributes(self, node: NodeKey, wanted: Sequence[Any]) -> list[Any]:
        """Attributes of a node as asyncua has them, ``None`` where it has none. Raises `TransportError`."""
        params = ua.ReadParameters()
        params.NodesToRead = [_read_value(node, attribute) for attribute in wanted]
        with translated(self._access.url, "a read"):
            answers = await self._client.uaclient.read(params)
            found = [one.Value.Value if one.Value is not None else None for one in answers]
        if len(found) != len(wanted):
            raise BadReply(f"{self._access.url} answered a read of {len(wanted)} attributes with {len(found)}")
        return found

    async def close(self) -> None:
        """Say goodbye if the server listens, and let go of the connection."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                with translated(self._access.url, "closing"):
                    await self._client.close_session()
                    await self._client.close_secure_channel()
        except (TransportError, TimeoutError):
            pass  # whoever does not answer forgets us by the session's time-out
        finally:
            await self._client.drop()


async def open_session(access: Access, diagnosis: Diagnosis, now_ns: int) -> Session:
    """Sign in. Raises `TransportError` with what to do; what was opened is closed then. ``now_ns``: UTC."""
    client = QuietClient(_with_port(access.url), access.timeout_s, diagnosis)
    client.secure_channel_timeout = int(access.channel_s * 1000)
    try:
        pinned = _secure(client, access, security.utc(now_ns))
        _sign_in(client, access, diagnosis)
        try:
            with translated(access.url, "the sign-in"):
                await client.connect()
        except TransportError as error:
            raise await _explained(access, error, client.refusal, pinned, diagnosis) from None
        session = Session(client, access)
        await session.prepare()
    except BaseException:
        await client.drop()
        raise
    return session


async def server_certificate(url: str, timeout_s: float, diagnosis: Diagnosis) -> x509.Certificate:
    """What the server shows to anybody who asks. Raises `TransportError`."""
    client = QuietClient(_with_port(url), timeout_s, diagnosis)
    try:
        with translated(url, "a question for its endpoints"):
            endpoints = await client.connect_and_get_server_endpoints()
            found = next((one.ServerCertificate for one in endpoints if one.ServerCertificate), None)
            certificate = uacrypto.x509_from_der(found)
    finally:
        await client.drop()
    if not isinstance(certificate, x509.Certificate):
        raise DeviceRefused(f"{url} shows no certificate: it offers no security")
    return certificate


def _secure(client: QuietClient, access: Access, now: datetime) -> x509.Certificate | None:
    """Set what signs and encrypts; returns the certificate that the server must have."""
    if access.certificate is None or access.key is None or access.server_certificate is None:
        return None
    ours, theirs = security.read_certificate(access.certificate), security.read_certificate(access.server_certificate)
    if security.expired(ours, now):
        raise BusDown(f"{access.certificate} is past its time: make a new one with gengfu opcua certificate")
    client.application_uri = security.application_uri(ours, access.certificate)
    key = security.read_key(access.key)
    if key.public_key() != ours.public_key():
        raise BusDown(f"{access.key} is not the key of {access.certificate}")
    client.security_policy = security_policies.SecurityPolicyBasic256Sha256(
        theirs, ours, key, ua.MessageSecurityMode.SignAndEncrypt
    )
    client.uaclient.set_security(client.security_policy)
    return theirs


def _sign_in(client: QuietClient, access: Access, diagnosis: Diagnosis) -> None:
    if access.username is not None and access.password_file is not None:
        client.set_user(access.username)
        password = security.read_file(access.password_file).decode("utf-8", "replace").rstrip("\r\n")
        diagnosis.hide(password.encode())  # without security it goes over the wire as it is
        client.set_password(password)
    if access.user_certificate is not None and access.user_key is not None:
        client.user_certificate = security.read_certificate(access.user_certificate)
        client.user_private_key = security.read_key(access.user_key)


async def _explained(
    access: Access, error: TransportError, refusal: str, pinned: x509.Certificate | None, diagnosis: Diagnosis
) -> TransportError:
    """The same error in words that say what to do: is it our certificate, the server's, or the user?"""
    said = f"{error}{f' ({refusal})' if refusal and refusal not in str(error) else ''}"
    if "Identity" in said or "UserAccessDenied" in said or "UserSignature" in said:
        who = f"user {access.username!r}" if access.username else "an anonymous user or our user certificate"
        return DeviceRefused(f"{said}: it refuses {who}; check username, password_file and the rights at the server")
    if pinned is None or isinstance(error, DeviceSilent):
        return error
    try:
        shown = await server_certificate(access.url, access.timeout_s, diagnosis)
    except TransportError:
        return error
    if shown != pinned:
        return DeviceRefused(
            f"{access.url} shows the certificate {security.fingerprint(shown)}, not {security.fingerprint(pinned)} of "
            f"{access.server_certificate}: nothing was sent to it. If the server was given a new one on purpose, fetch "
            "it with gengfu opcua trust"
        )
    if "Security" in said or "Certificate" in said:
        return DeviceRefused(f"{said}: make the server trust {access.certificate}")
    return type(error)(said)


def _with_port(url: str) -> str:
    parts = urlsplit(url)
    return url if parts.port is not None else parts._replace(netloc=f"{parts.netloc}:{PORT}").geturl()


def node_id(key: NodeKey) -> ua.NodeId:
    """For asyncua; the namespace is a number by now."""
    return ua.NodeId(key.identifier, int(key.namespace))


def _read_value(node: NodeKey, attribute: Any = ua.AttributeIds.Value) -> ua.ReadValueId:
    value = ua.ReadValueId()
    value.NodeId, value.AttributeId = node_id(node), attribute
    return value


def _item(handle: int, node: NodeKey, sampling_s: float, queue: int) -> ua.MonitoredItemCreateRequest:
    item = ua.MonitoredItemCreateRequest()
    item.ItemToMonitor = _read_value(node)
    item.MonitoringMode = ua.MonitoringMode.Reporting
    item.RequestedParameters.ClientHandle = handle
    item.RequestedParameters.SamplingInterval = sampling_s * 1000
    item.RequestedParameters.QueueSize = queue
    item.RequestedParameters.DiscardOldest = True
    return item


def _pieces(all_of_them: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(all_of_them), most):
        yield all_of_them[first : first + most]
