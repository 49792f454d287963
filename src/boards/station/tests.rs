//! A station, on a virtual clock.
