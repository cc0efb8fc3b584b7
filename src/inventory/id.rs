//! ARM resource ids: compared without regard to letter case, kept as they were spelt.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A resource id as it stood in the input, `/subscriptions/…/providers/Microsoft.Network/virtualNetworks/hub`.
///
/// Equality, order and hash ignore letter case, as Azure does; [`as_str`](Self::as_str) keeps the spelling.
#[derive(Clone)]
pub struct ResourceId(Box<str>);

impl ResourceId {
    /// The id in that text. A missing leading `/` (parameters of exported templates) is added, trailing ones and
    /// surrounding white space are dropped.
    pub fn new(text: &str) -> Self {
        let trimmed = text.trim().trim_end_matches('/');
        let rooted = trimmed.starts_with('/') || trimmed.is_empty();
        Self(if rooted { trimmed.into() } else { format!("/{trimmed}").into() })
    }

    /// The id as it was spelt.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in lower case: what ids are compared by.
    pub fn key(&self) -> Cow<'_, str> {
        match self.0.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            true => Cow::Owned(self.0.to_lowercase()),
            false => Cow::Borrowed(&self.0),
        }
    }

    /// The segments as they were spelt.
    fn segments(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }

    /// What follows the segment of that name, in any letter case: `after("subscriptions")`.
    fn after(&self, name: &str) -> Option<&str> {
        let mut segments = self.segments();
        segments.find(|segment| segment.eq_ignore_ascii_case(name))?;
        segments.next()
    }

    /// The subscription's id, `""` where the id names none.
    pub fn subscription(&self) -> &str {
        self.after("subscriptions").unwrap_or_default()
    }

    /// The resource group's name, `""` where the id names none.
    pub fn resource_group(&self) -> &str {
        self.after("resourceGroups").unwrap_or_default()
    }

    /// The last segment: the name of the resource, or of the child resource.
    pub fn name(&self) -> &str {
        self.segments().next_back().unwrap_or_default()
    }

    /// The resource type in lower case, `microsoft.network/virtualnetworks/subnets`; `None` where the text is no
    /// resource id. Extension resources give the type of the extension.
    pub fn resource_type(&self) -> Option<String> {
        let key = self.key();
        let mut segments: Vec<&str> = key.split('/').filter(|segment| !segment.is_empty()).collect();
        let provider = segments.iter().rposition(|segment| *segment == "providers")?;
        segments.drain(..=provider);
        let namespace = *segments.first()?;
        // Types and names alternate behind the namespace; an id without its last name is no id of a resource.
        if segments.len() < 3 || segments.len().is_multiple_of(2) {
            return None;
        }
        let types = segments[1..].iter().step_by(2);
        Some(std::iter::once(&namespace).chain(types).copied().collect::<Vec<_>>().join("/"))
    }

    /// Whether there is nothing between two slashes, which no real id has.
    pub fn has_empty_segment(&self) -> bool {
        self.0.contains("//")
    }

    /// Whether [`resource_type`](Self::resource_type) is that type, without making it. Every resource that is read
    /// is asked.
    pub fn is_of_type(&self, ty: &str) -> bool {
        let mut segments = self.segments();
        let mut behind = None;
        while let Some(segment) = segments.next() {
            if segment.eq_ignore_ascii_case("providers") {
                behind = Some(segments.clone());
            }
        }
        let (Some(mut behind), false) = (behind, self.has_empty_segment()) else { return false };
        let mut wanted = ty.split('/');
        let mut same = |segment: Option<&str>| match (segment, wanted.next()) {
            (Some(segment), Some(wanted)) => segment.eq_ignore_ascii_case(wanted),
            _ => false,
        };
        if !same(behind.next()) {
            return false;
        }
        // Types and names alternate behind the namespace.
        while let Some(segment) = behind.next() {
            if !same(Some(segment)) || behind.next().is_none() {
                return false;
            }
        }
        ty.contains('/') && wanted.next().is_none()
    }

    /// The id of the resource that this child belongs to: its last type and name dropped.
    pub fn parent(&self) -> Option<Self> {
        let ty = self.resource_type()?;
        if ty.matches('/').count() < 2 {
            return None;
        }
        let cut = self.0.rfind('/')?;
        let cut = self.0[..cut].rfind('/')?;
        Some(Self::new(&self.0[..cut]))
    }

    /// The id of a child of this resource.
    pub fn child(&self, ty: &str, name: &str) -> Self {
        Self::new(&format!("{}/{ty}/{name}", self.0))
    }

    /// The nearest ancestor of that type (lower case), or the id itself where it is of that type.
    pub fn ancestor(&self, ty: &str) -> Option<Self> {
        let mut at = self.clone();
        loop {
            if at.resource_type()? == ty {
                return Some(at);
            }
            at = at.parent()?;
        }
    }

    /// The name of a child of this resource written with its parent's, `hub/GatewaySubnet`.
    pub fn qualified_name(&self) -> String {
        match self.parent() {
            Some(parent) => format!("{}/{}", parent.name(), self.name()),
            None => self.name().to_owned(),
        }
    }
}

// There are many ids, all long: they are compared as they stand, and a copy in lower case is made only where letters
// beyond ASCII need one.

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        if !self.0.is_ascii() || !other.0.is_ascii() {
            return self.key().cmp(&other.key());
        }
        match first_difference(self.0.as_bytes(), other.0.as_bytes()) {
            Some(at) => self.0.as_bytes()[at].to_ascii_lowercase().cmp(&other.0.as_bytes()[at].to_ascii_lowercase()),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

/// The first position at which two texts differ in more than letter case; `None`: one is the start of the other.
fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| !a.eq_ignore_ascii_case(b))
}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let write = |text: &str, state: &mut H| {
            // Piece by piece: hashers take long texts much faster than single bytes.
            let mut piece = [0; 64];
            for bytes in text.as_bytes().chunks(piece.len()) {
                let piece = &mut piece[..bytes.len()];
                piece.copy_from_slice(bytes);
                piece.make_ascii_lowercase();
                state.write(piece);
            }
            state.write_u8(0xff);
        };
        match self.0.is_ascii() {
            true => write(&self.0, state),
            false => write(&self.key(), state),
        }
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ResourceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET: &str =
        "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub/subnets/GatewaySubnet";

    #[test]
    fn letter_case_does_not_matter_and_the_spelling_is_kept() {
        let upper = ResourceId::new(&SUBNET.to_uppercase());
        let plain = ResourceId::new(SUBNET);
        assert_eq!(upper, plain);
        assert_eq!(plain.to_string(), SUBNET);
        assert_eq!(upper.resource_type(), plain.resource_type());
    }

    #[test]
    fn order_and_hash_are_those_of_the_lower_case_form() {
        let texts = [
            "/a/B",
            "/A/b",
            "/a/b/c",
            "/a/_",
            "/A/Z",
            "/a/[",
            "/\u{212a}",
            "/k",
            "/\u{c9}t\u{e9}",
            "/\u{e9}T\u{c9}",
            "",
            "/",
        ];
        let hash = |id: &ResourceId| {
            let mut hasher = std::hash::DefaultHasher::new();
            id.hash(&mut hasher);
            hasher.finish()
        };
        for a in texts.map(ResourceId::new) {
            for b in texts.map(ResourceId::new) {
                assert_eq!(a.cmp(&b), a.key().cmp(&b.key()), "{a} {b}");
                assert_eq!(a == b, a.key() == b.key(), "{a} {b}");
                assert!(a != b || hash(&a) == hash(&b), "{a} {b}");
            }
        }
    }

    #[test]
    fn parts_of_a_child() {
        let id = ResourceId::new(SUBNET);
        assert_eq!(id.subscription(), "S");
        assert_eq!(id.resource_group(), "rg");
        assert_eq!(id.name(), "GatewaySubnet");
        assert_eq!(id.resource_type().as_deref(), Some("microsoft.network/virtualnetworks/subnets"));
        assert_eq!(id.parent().unwrap().name(), "hub");
        assert_eq!(id.parent().unwrap().parent(), None);
        assert_eq!(id.ancestor("microsoft.network/virtualnetworks").unwrap().name(), "hub");
        assert_eq!(id.qualified_name(), "hub/GatewaySubnet");
    }

    #[test]
    fn a_template_default_without_its_leading_slash_is_the_same_id() {
        assert_eq!(ResourceId::new(&SUBNET[1..]), ResourceId::new(SUBNET));
        assert_eq!(ResourceId::new(&format!("{SUBNET}/")), ResourceId::new(SUBNET));
    }

    #[test]
    fn being_of_a_type_is_having_that_type() {
        let ids = [
            SUBNET,
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables/rt",
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/routeTables",
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network",
            "/x/providers/A.B/c/d/providers/Microsoft.Network/routeTables/rt",
            "/providers/A.B/c/d",
            "/subscriptions/s",
            "/",
        ];
        let types: Vec<String> = ids.iter().filter_map(|id| ResourceId::new(id).resource_type()).collect();
        assert_eq!(types.len(), 4);
        for id in ids.map(ResourceId::new) {
            for ty in types.iter().map(String::as_str).chain(["", "a.b", "a.b/c/e", "microsoft.network"]) {
                assert_eq!(id.is_of_type(ty), id.resource_type().as_deref() == Some(ty), "{id} {ty}");
            }
        }
    }

    #[test]
    fn text_that_is_no_resource_id_has_no_type() {
        for text in ["", "/", "/subscriptions/s", "/subscriptions/s/resourceGroups/rg", "x", "/providers/a"] {
            assert_eq!(ResourceId::new(text).resource_type(), None, "{text}");
        }
    }
}
