//! ARM resource ids: compared without regard to letter case, kept as they were spelt.

use std::fmt;

/// A resource id as it stood in the input, `/subscriptions/…/providers/Microsoft.Network/virtualNetworks/hub`.
///
/// Equality, order and hash ignore letter case, as Azure does; [`as_str`](Self::as_str) keeps the spelling.
#[derive(Clone)]
pub struct ResourceId {
    text: Box<str>,
    /// The lower-case form; `None` where the text is lower case already.
    lower: Option<Box<str>>,
}

impl ResourceId {
    /// The id in that text. A missing leading `/` (parameters of exported templates) is added, trailing ones and
    /// surrounding white space are dropped.
    pub fn new(text: &str) -> Self {
        let trimmed = text.trim().trim_end_matches('/');
        let text: Box<str> =
            if trimmed.starts_with('/') || trimmed.is_empty() { trimmed.into() } else { format!("/{trimmed}").into() };
        let lower = text.to_lowercase();
        let lower = (*lower != *text).then(|| lower.into());
        Self { text, lower }
    }

    /// The id as it was spelt.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The id in lower case: what ids are compared by.
    pub fn key(&self) -> &str {
        self.lower.as_deref().unwrap_or(&self.text)
    }

    /// The segments as they were spelt.
    fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.text.split('/').filter(|segment| !segment.is_empty())
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
        let mut segments: Vec<&str> = self.key().split('/').filter(|segment| !segment.is_empty()).collect();
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

    /// The id of the resource that this child belongs to: its last type and name dropped.
    pub fn parent(&self) -> Option<Self> {
        let ty = self.resource_type()?;
        if ty.matches('/').count() < 2 {
            return None;
        }
        let cut = self.text.rfind('/')?;
        let cut = self.text[..cut].rfind('/')?;
        Some(Self::new(&self.text[..cut]))
    }

    /// The id of a child of this resource.
    pub fn child(&self, ty: &str, name: &str) -> Self {
        Self::new(&format!("{}/{ty}/{name}", self.text))
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

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(other.key())
    }
}

impl std::hash::Hash for ResourceId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
    fn text_that_is_no_resource_id_has_no_type() {
        for text in ["", "/", "/subscriptions/s", "/subscriptions/s/resourceGroups/rg", "x", "/providers/a"] {
            assert_eq!(ResourceId::new(text).resource_type(), None, "{text}");
        }
    }
}
