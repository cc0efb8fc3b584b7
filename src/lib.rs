//! azaudit reads an Azure estate's configuration and says which settings break or endanger point-to-site VPN and
//! Remote Desktop.
//!
//! ```text
//! live ARM ─┐
//! exports  ─┴─► raw ARM JSON ─► inventory ─► facts ─► verdicts ─► report
//!                 source        inventory     facts    policy      report
//! ```
//!
//! Each module uses only those to its left. [`source`] yields raw ARM resources and the gaps between them,
//! [`inventory`] types them, [`facts`] computes what policies see, [`policy`] makes verdicts, [`report`] shows them.

pub mod exit;
pub mod facts;
pub mod inventory;
pub mod policy;
pub mod printer;
pub mod report;
pub mod source;
