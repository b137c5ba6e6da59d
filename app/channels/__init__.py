"""Ways out of the house: web push, e-mail, and a signed HTTP gateway for text messages and telephone calls."""
