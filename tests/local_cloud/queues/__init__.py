"""SQS: the busy calls over HTTP, and a client without HTTP."""
