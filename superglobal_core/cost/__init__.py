"""What a suite would cost on this machine: its work, this machine's rates, and the arithmetic between them."""
