"""The page: chat with your documents, look after them, see why. It knows the service by HTTP only."""
