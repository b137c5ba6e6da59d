"""The one door through which anything becomes a fact, the rows of a case, and the proof that nobody rewrote them."""
