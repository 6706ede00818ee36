"""REST under /api/v1: routes, wire shapes, authentication, the one error mapping."""
