"""What the records say of networks beside each other: a module for what was measured."""
