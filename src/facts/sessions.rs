//! Point-to-site sessions.
