"""The verbs: each module orchestrates the domain and the ports for one group of requests."""
