"""What sharing one limit between processes costs, beside the peers."""
