"""OPC UA, the pure part: status codes, what a value of a server says, its readings, and the only writes."""
