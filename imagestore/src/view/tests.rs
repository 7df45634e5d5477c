//! Tests of view.
