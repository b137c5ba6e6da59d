"""Beyond the socket: notices planned, sent and accounted for."""
