//! Resources of the classic deployment model (Azure Service Management), which Azure has retired. All that the audit
//! says of one is that it is still there.

use super::arm::arm;

/// Where the types of the classic deployment model start (lower case): `microsoft.classiccompute/domainnames`,
/// `microsoft.classicnetwork/virtualnetworks`, `microsoft.classicstorage/storageaccounts`, …
const CLASSIC: [&str; 3] = ["microsoft.classiccompute/", "microsoft.classicnetwork/", "microsoft.classicstorage/"];

/// Whether a type (lower case) belongs to the classic deployment model.
pub fn is_classic(ty: &str) -> bool {
    CLASSIC.iter().any(|start| ty.starts_with(start))
}

arm! {
    /// A classic resource. Its id, name and region are all that counts, so nothing of its properties is kept.
    pub struct ClassicResource {}
}
