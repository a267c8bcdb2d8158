"""What all clients that speak HTTP have in common; it knows none of them."""

try:
    import http_sf as _  # noqa: F401 -- found to be missing now, not with a response
except ImportError as error:
    msg = "reading what servers say needs http-sf: pip install 'aiolimiter[headers]'"
    raise ImportError(msg) from error
