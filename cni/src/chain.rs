//! Runs the plugins of a CNI network: ADD in order, DEL in reverse.
