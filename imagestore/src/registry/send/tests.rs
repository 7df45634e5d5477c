//! Tests of sending that need no server.
