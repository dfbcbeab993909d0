"""Evidence: what stood in the journal and went over the wires around a life-safety alarm, kept for good."""
