//! Berth's own service beside CRI on the same socket: what CRI has no words for.
