"""From a request to a human who answers: agreements, routing, ladders, and whose turn it is."""
