//! Tests of mend.
