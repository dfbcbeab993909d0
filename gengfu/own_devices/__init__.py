"""The devices that a gateway has of its own: itself, its connections and the canary. Judged, and not stored."""
