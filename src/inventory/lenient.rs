//! ARM JSON as tools really write it, read into plain derived structs.
//!
//! APIs, templates and export tools spell keys in different letter case, print numbers as strings and strings as
//! numbers, write null for what is absent, and collapse a list of one to its entry. [`Lenient`] wraps any serde
//! deserializer and evens that out, so that the structs themselves stay plain.

use std::cell::Cell;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::source::template::UNKNOWN;

/// Reads a value of `T` from JSON text. A null among the entries of a list is left out.
pub fn from_str<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    from_str_counting_nulls(text).map(|(value, _)| value)
}

/// As [`from_str`]; says how many nulls among the entries of lists were left out.
pub fn from_str_counting_nulls<'de, T: serde::Deserialize<'de>>(
    text: &'de str,
) -> Result<(T, usize), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    NULLS.set(0);
    let value = T::deserialize(Lenient::new(&mut json))?;
    json.end()?;
    Ok((value, NULLS.get()))
}

thread_local! {
    /// Nulls that were left out while one text is read: serde has no way to hand a remark up.
    static NULLS: Cell<usize> = const { Cell::new(0) };
}

/// Reads something whose nulls cost nothing: they are left out, and not counted.
pub(super) fn tolerating_nulls<T>(read: impl FnOnce() -> T) -> T {
    let before = NULLS.get();
    let value = read();
    NULLS.set(before);
    value
}

/// A deserializer that reads keys in any letter case and tolerates null, and numbers, flags and text for one another.
pub struct Lenient<D>(D);

impl<D> Lenient<D> {
    /// Wraps a deserializer.
    pub fn new(inner: D) -> Self {
        Self(inner)
    }
}

/// What the struct expects.
#[derive(Clone, Copy)]
enum Wanted {
    Anything,
    Struct(&'static [&'static str]),
    List,
    Text,
    Number,
    Flag,
}

struct Adapt<V> {
    visitor: V,
    wanted: Wanted,
}

macro_rules! wanting {
    ($($method:ident => $wanted:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.0.deserialize_any(Adapt { visitor, wanted: Wanted::$wanted })
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<D> {
    type Error = D::Error;

    wanting! {
        deserialize_any => Anything
        deserialize_bool => Flag
        deserialize_i8 => Number deserialize_i16 => Number deserialize_i32 => Number deserialize_i64 => Number
        deserialize_u8 => Number deserialize_u16 => Number deserialize_u32 => Number deserialize_u64 => Number
        deserialize_f32 => Number deserialize_f64 => Number
        deserialize_str => Text deserialize_string => Text deserialize_char => Text
        deserialize_seq => List
        deserialize_map => Anything
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(Adapt { visitor, wanted: Wanted::Struct(fields) })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_option(Adapt { visitor, wanted: Wanted::Anything })
    }

    // serde_json smuggles raw text through this method: it has to arrive untouched.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct enum identifier
    }
}

macro_rules! visit_number {
    ($($method:ident: $ty:ty)*) => {$(
        fn $method<E: Error>(self, value: $ty) -> Result<Self::Value, E> {
            match self.wanted {
                Wanted::Text => self.visitor.visit_string(value.to_string()),
                _ => self.visitor.$method(value),
            }
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Adapt<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit_number! { visit_i64: i64 visit_u64: u64 }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // Tools that know only floats print 250 as 250.0.
        let whole = value.fract() == 0.0 && value.abs() < 9e15;
        match self.wanted {
            Wanted::Text => self.visitor.visit_string(value.to_string()),
            Wanted::Number if whole => self.visitor.visit_i64(value as i64),
            _ => self.visitor.visit_f64(value),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        match self.wanted {
            Wanted::Text => self.visitor.visit_str(if value { "true" } else { "false" }),
            _ => self.visitor.visit_bool(value),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        match self.wanted {
            Wanted::Flag if value.eq_ignore_ascii_case("true") => self.visitor.visit_bool(true),
            Wanted::Flag if value.eq_ignore_ascii_case("false") => self.visitor.visit_bool(false),
            Wanted::Number => match (value.trim().parse::<i64>(), value.trim().parse::<f64>()) {
                (Ok(number), _) => self.visitor.visit_i64(number),
                (_, Ok(number)) => self.visitor.visit_f64(number),
                _ => Err(misplaced(value, "a number")),
            },
            // An error that shows the text would show a secret that was pasted in the wrong place.
            Wanted::Flag => Err(misplaced(value, "true or false")),
            Wanted::Struct(_) => Err(misplaced(value, "an object")),
            Wanted::List if !value.is_empty() => self.visitor.visit_seq(One(Some(value.into_deserializer()))),
            Wanted::List => self.visitor.visit_seq(Empty(std::marker::PhantomData::<E>)),
            _ => self.visitor.visit_str(value),
        }
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        match self.wanted {
            Wanted::Text | Wanted::Anything => self.visitor.visit_borrowed_str(value),
            _ => self.visit_str(value),
        }
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Self::Value, E> {
        match self.wanted {
            Wanted::Text | Wanted::Anything => self.visitor.visit_string(value),
            _ => self.visit_str(&value),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        match self.wanted {
            Wanted::Struct(_) => self.visitor.visit_map(Empty(std::marker::PhantomData)),
            Wanted::List => self.visitor.visit_seq(Empty(std::marker::PhantomData)),
            Wanted::Text => self.visitor.visit_str(""),
            _ => self.visitor.visit_unit(),
        }
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.visitor.visit_some(Lenient::new(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        match self.wanted {
            // Derived structs would take the entries for their fields, one by one.
            Wanted::Struct(_) => Err(A::Error::custom("a list where an object belongs")),
            _ => self.visitor.visit_seq(Entries(list)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let mut map = map;
        match self.wanted {
            // No object belongs here: its key may tell why there is one.
            Wanted::Text | Wanted::Number | Wanted::Flag => {
                let UnlessUnknown = map.next_key()?.unwrap_or(UnlessUnknown);
                Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self.visitor))
            }
            Wanted::Struct(fields) => self.visitor.visit_map(Members { map, fields }),
            Wanted::List => self.visitor.visit_seq(One(Some(MapAccessDeserializer::new(map)))),
            _ => self.visitor.visit_map(Members { map, fields: &[] }),
        }
    }
}

/// Says that a text stands where something else belongs, without the text.
fn misplaced<E: Error>(text: &str, wanted: &str) -> E {
    let found = if text.is_empty() { "an empty text" } else { "a text" };
    E::custom(format_args!("{found} where {wanted} belongs"))
}

/// A list whose entries are read leniently.
struct Entries<A>(A);

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Entries<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        let mut seed = seed;
        loop {
            match self.0.next_element_seed(UnlessNull(seed))? {
                None => return Ok(None),
                Some(Ok(value)) => return Ok(Some(value)),
                Some(Err(unused)) => seed = unused,
            }
            NULLS.set(NULLS.get() + 1);
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// An entry of a list, or the seed again where there is a null in its place.
struct UnlessNull<T>(T);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for UnlessNull<T> {
    type Value = Result<T::Value, T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: DeserializeSeed<'de>> Visitor<'de> for UnlessNull<T> {
    type Value = Result<T::Value, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry of a list")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Err(self.0))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Err(self.0))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(Lenient::new(deserializer)).map(Ok)
    }
}

/// A list of one entry that was written without its brackets.
struct One<D>(Option<D>);

impl<'de, D: Deserializer<'de>> SeqAccess<'de> for One<D> {
    type Error = D::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        self.0.take().map(|entry| seed.deserialize(Lenient::new(entry))).transpose()
    }
}

/// No list, or no object.
struct Empty<E>(std::marker::PhantomData<E>);

impl<'de, E: Error> SeqAccess<'de> for Empty<E> {
    type Error = E;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, _: T) -> Result<Option<T::Value>, E> {
        Ok(None)
    }
}

impl<'de, E: Error> MapAccess<'de> for Empty<E> {
    type Error = E;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, _: T) -> Result<T::Value, E> {
        Err(E::custom("an absent object has no members"))
    }
}

/// An object whose keys are matched in any letter case.
struct Members<A> {
    map: A,
    fields: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        self.map.next_key_seed(Key { seed, fields: self.fields })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        self.map.next_value_seed(LenientSeed(seed))
    }
}

struct LenientSeed<T>(T);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for LenientSeed<T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(Lenient::new(deserializer))
    }
}

/// A key, unless it says that a template does not tell what stands here.
struct UnlessUnknown;

impl<'de> serde::Deserialize<'de> for UnlessUnknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        key.strip_prefix(UNKNOWN).map_or(Ok(Self), |reason| Err(unevaluated(reason)))
    }
}

/// Says that a template does not tell what stands here.
fn unevaluated<E: Error>(reason: &str) -> E {
    E::custom(format_args!("{UNEVALUATED}{reason}"))
}

/// How the error about a value that a template does not tell starts.
pub(super) const UNEVALUATED: &str = "an expression of the template cannot be evaluated: ";

/// A key, given to the struct in the struct's own spelling.
struct Key<K> {
    seed: K,
    fields: &'static [&'static str],
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<K> {
    type Value = K::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Key<K> {
    type Value = K::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if let Some(reason) = key.strip_prefix(UNKNOWN) {
            return Err(unevaluated(reason));
        }
        let spelling = self.fields.iter().find(|field| field.eq_ignore_ascii_case(key));
        let deserializer: StrDeserializer<'_, E> = spelling.map_or(key, |field| field).into_deserializer();
        self.seed.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Rule {
        priority: Option<i64>,
        port_range: Option<String>,
        prefixes: Vec<String>,
        child: Option<Child>,
        children: Vec<Child>,
        on: Option<bool>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Child {
        id: String,
    }

    fn read(text: &str) -> Rule {
        from_str(text).unwrap()
    }

    #[test]
    fn keys_are_matched_in_any_letter_case() {
        assert_eq!(read(r#"{"PRIORITY":1,"PortRange":"22"}"#), read(r#"{"priority":1,"portRange":"22"}"#));
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let nulls = r#"{"priority":null,"portRange":null,"prefixes":null,"child":null,"children":null,"on":null}"#;
        assert_eq!(read(nulls), Rule::default());
    }

    #[test]
    fn numbers_text_and_flags_are_read_for_one_another() {
        let odd = read(r#"{"priority":"100","portRange":3389,"on":"True"}"#);
        assert_eq!(odd, read(r#"{"priority":100,"portRange":"3389","on":true}"#));
    }

    #[test]
    fn a_list_of_one_may_lack_its_brackets() {
        assert_eq!(
            read(r#"{"prefixes":"a","children":{"ID":"x"}}"#),
            read(r#"{"prefixes":["a"],"children":[{"id":"x"}]}"#)
        );
    }

    #[test]
    fn a_null_among_the_entries_of_a_list_is_left_out_and_counted() {
        let text = r#"{"children":[{"id":"x"},null,{"id":"y"}],"prefixes":[null,"a",null]}"#;
        let (rule, nulls) = from_str_counting_nulls::<Rule>(text).unwrap();
        assert_eq!(rule, read(r#"{"children":[{"id":"x"},{"id":"y"}],"prefixes":["a"]}"#));
        assert_eq!(nulls, 3);
        assert_eq!(from_str_counting_nulls::<Rule>(r#"{"prefixes":["a"],"child":null}"#).unwrap().1, 0);
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        assert_eq!(read(r#"{"priority":250.0}"#), read(r#"{"priority":250}"#));
        assert!(from_str::<Rule>(r#"{"priority":250.5}"#).is_err());
    }

    #[test]
    fn a_list_is_no_object() {
        for text in ["[]", r#"{"child":[]}"#, r#"{"child":["x"]}"#, r#"{"children":[["x"]]}"#] {
            let error = from_str::<Rule>(text).unwrap_err().to_string();
            assert!(error.contains("a list where an object belongs"), "{text}: {error}");
        }
    }

    #[test]
    fn a_text_in_the_wrong_place_is_an_error_that_does_not_show_it() {
        for (text, wanted) in [
            (r#"{"priority":"secret"}"#, "a text where a number belongs"),
            (r#"{"on":"secret"}"#, "a text where true or false belongs"),
            (r#"{"child":"secret"}"#, "a text where an object belongs"),
            (r#"{"children":"secret"}"#, "a text where an object belongs"),
            (r#"{"children":["secret"]}"#, "a text where an object belongs"),
            (r#""secret""#, "a text where an object belongs"),
        ] {
            let error = from_str::<Rule>(text).unwrap_err().to_string();
            assert!(error.starts_with(wanted) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
