"""Bounded building blocks: everything here has a size fixed at start."""
