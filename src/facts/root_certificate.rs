//! Facts about root certificates: what a policy sees of each, wherever it is configured.

mod commands;
mod phrases;
mod standing;

use rayon::prelude::*;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::certificate::{self, Content, Damage, KeyKind, Layout, Reading, SignatureHash, Stated, Stray};
use super::command::Command;
use super::schema::{Known, RecordType, Unread, fact_enum, facts};
use super::{Context, Identity, Subject, SubjectKind};
use crate::inventory::Resource;
use commands::Commands;
pub(super) use standing::hex_digits;
use standing::{Among, Standing};

fact_enum! {
    /// What keeps root certificate data from being one certificate, once its layout is cleaned.
    pub enum Problem {
        /// Nothing: it is one certificate.
        None => "none",
        /// It is private key material, and no certificate stands beside it.
        PrivateKey => "privateKey",
        /// Nothing is left of it.
        Empty => "empty",
        /// It holds a character that is not base64, or a number of them that makes no whole bytes.
        NotBase64 => "notBase64",
        /// Its DER ends too early.
        Truncated => "truncated",
        /// It is something other than an X.509 certificate.
        NotX509 => "notX509",
        /// More bytes follow the certificate.
        TrailingBytes => "trailingBytes",
        /// It holds several certificates.
        SeveralCertificates => "severalCertificates",
        /// It is a PKCS#7 (CMS) file.
        Pkcs7 => "pkcs7",
        /// Other data stands around the certificate, outside of its PEM lines.
        StrayData => "strayData",
    }
}

fact_enum! {
    /// Where now lies in a certificate's validity. Both ends belong to it (RFC 5280, 4.1.2.5).
    pub enum ValidityState {
        /// Before notBefore.
        NotYetValid => "notYetValid",
        /// From notBefore to notAfter.
        Valid => "valid",
        /// After notAfter.
        Expired => "expired",
    }
}

facts! {
    /// A root certificate for point-to-site clients: `publicCertData` of an entry of `vpnClientRootCertificates`, on a
    /// virtual network gateway or a Virtual WAN server configuration. Offsets count characters (Unicode scalar values)
    /// of the value as it is stored, from 0.
    pub struct RootCertificate {
        /// The certificate's name.
        pub name: String,
        /// The layout of its data: `oneLine` is what Azure wants (one line of base64 of DER, no PEM lines).
        pub layout: Known<Layout>,
        /// What is wrong with the layout, as a phrase: `a line break (LF) at character 64`; empty where nothing is.
        pub layout_problem: Known<String>,
        /// The offset of the first character that has no place in one line of base64; null where there is none.
        pub layout_offset: Known<Option<i64>>,
        /// What that character is: `a line break (LF)`; null where no single character is at fault.
        pub layout_character: Known<Option<&'static str>>,
        /// SHA-256 (lower-case hex) of the data without its faults of layout; null where it is a private key.
        pub cleaned_sha256: Known<Option<String>>,
        /// What keeps the cleaned data from being one certificate.
        pub problem: Known<Problem>,
        /// The same as a phrase: `the certificate ends early: 700 of 811 bytes are there`; empty where nothing does.
        pub damage: Known<String>,
        /// The offset of the character that is not base64, or of the data around the certificate; null for any other
        /// problem, and where it stands in text that was base64 once more.
        pub damage_offset: Known<Option<i64>>,
        /// Whether private key material was pasted, alone or beside a certificate.
        pub has_private_key: Known<bool>,
        /// The form of the private key: `` a PEM block `RSA PRIVATE KEY` ``; null where there is none.
        pub private_key_form: Known<Option<&'static str>>,
        /// Whether private key material was pasted and a certificate, intact or not, stands beside it.
        pub certificate_beside_key: Known<bool>,
        /// Words outside of the PEM lines that are neither data nor what OpenSSL prints there, and do no harm to the
        /// certificate, as a remark: `other text stands outside of the PEM lines, from character 1042 on`; empty
        /// where there are none.
        pub stray_text: Known<String>,
        /// The subject: `CN=P2SRootCert`.
        pub subject: Known<String>,
        /// The issuer.
        pub issuer: Known<String>,
        /// Whether issuer and subject are the same, as they are in a root.
        pub self_issued: Known<bool>,
        /// The serial number in upper-case hex digits.
        pub serial: Known<String>,
        /// The SHA-1 thumbprint in upper-case hex digits, as Azure and Windows show it.
        pub thumbprint: Known<String>,
        /// The first moment at which it is valid, RFC 3339 in UTC.
        pub not_before: Known<String>,
        /// The last moment at which it is valid, RFC 3339 in UTC.
        pub not_after: Known<String>,
        /// Where now lies in its validity.
        pub validity_state: Known<ValidityState>,
        /// Why it is not valid now, as a phrase: `it expired on 2025-06-01T00:00:00Z`; empty where it is.
        pub validity_problem: Known<String>,
        /// The share of its lifetime that has passed: 0 at notBefore, 1 at notAfter, below and above outside.
        pub elapsed_fraction: Known<f64>,
        /// The same in words, rounded up: `50.1 %`.
        pub elapsed_percent: Known<String>,
        /// Days until notAfter, with fractions; negative once it has expired.
        pub days_left: Known<f64>,
        /// The kind of its key.
        pub key_kind: Known<KeyKind>,
        /// The size of its key in bits.
        pub key_size: Known<i64>,
        /// The algorithm of its signature: `sha256WithRSAEncryption`, or an object identifier.
        pub signature_algorithm: Known<String>,
        /// The hash of its signature.
        pub signature_hash: Known<SignatureHash>,
        /// What basicConstraints says about being a CA. The usual PowerShell root has none, which is no fault.
        pub ca: Known<Stated>,
        /// What keyUsage says about signing certificates. makecert's roots have none, which is no fault.
        pub cert_sign: Known<Stated>,
        /// Commands that upload the cleaned certificate under the same name; where it cannot be cleaned, or its private
        /// key must count as stolen, those that replace it.
        pub mend_commands: Vec<Command>,
        /// Commands that put another certificate in its place.
        pub replace_commands: Vec<Command>,
        /// Commands that add a new certificate beside it.
        pub renew_commands: Vec<Command>,
        /// Commands that take a private key out of Azure, and the certificate beside it too: nobody can tell whether the
        /// key is its own. Where there is one, they first add a new root that takes its place.
        pub remove_key_commands: Vec<Command>,
        /// `provisioningState` as written; null where the input does not say, as on Virtual WAN, which has none for roots.
        pub provisioning_state: Option<String>,
        /// Whether that is `Failed`: Azure did not carry out its upload. False where the input does not say.
        pub provisioning_failed: Known<bool>,
        /// How it stands: as a root, by its strength, by its name, and among the others.
        pub standing: Standing,
    }

    /// What a root certificate is configured on.
    pub struct CertificateOwner {
        /// Its name.
        pub name: String,
        /// Its resource group.
        pub resource_group: String,
        /// Its subscription's id.
        pub subscription: String,
        /// Whether it is a Virtual WAN server configuration (`vpnServerConfigurations`), not a gateway.
        pub virtual_wan: bool,
        /// Where a template holds the data of its roots.
        pub roots_path: String,
        /// Whether roots are judged on it: not on ExpressRoute and local gateways, which serve no clients.
        pub judged: bool,
    }
}

/// The names that expressions about this kind start with.
pub fn roots() -> Vec<(&'static str, &'static RecordType)> {
    vec![("certificate", RootCertificate::describe()), ("gateway", CertificateOwner::describe())]
}

/// Calls `visit` for each subject, from several threads.
pub fn each(context: Context<'_>, visit: &(dyn Fn(&Subject<'_>) + Sync)) {
    let inventory = context.inventory;
    inventory.gateways.rows().par_iter().for_each(|gateway| {
        let Some(configuration) = &gateway.properties.vpn_client_configuration else { return };
        let ty = gateway.properties.gateway_type.as_deref().unwrap_or("Vpn");
        let serves_no_clients = ["ExpressRoute", "LocalGateway"].iter().any(|it| ty.eq_ignore_ascii_case(it));
        let owner = CertificateOwner { judged: !serves_no_clients, ..owner(gateway, false) };
        let roots = configuration.vpn_client_root_certificates.iter();
        let roots = roots.map(|it| Root {
            name: &it.name,
            data: it.properties.public_cert_data.as_deref(),
            state: it.properties.provisioning_state.as_deref().map(str::trim).filter(|it| !it.is_empty()),
        });
        let roots = roots.collect();
        let revoked = configuration.vpn_client_revoked_certificates.iter();
        let revoked = revoked.map(|it| (&*it.name, it.properties.thumbprint.as_deref())).collect();
        subjects(context, gateway, &owner, roots, revoked, visit);
    });
    inventory.vpn_server_configurations.rows().par_iter().for_each(|configuration| {
        let owner = owner(configuration, true);
        let roots = configuration.properties.vpn_client_root_certificates.iter();
        let roots = roots.map(|it| Root {
            name: it.name.as_deref().unwrap_or_default(),
            data: it.public_cert_data.as_deref(),
            state: None,
        });
        let roots = roots.collect();
        let revoked = configuration.properties.vpn_client_revoked_certificates.iter();
        let revoked = revoked.map(|it| (it.name.as_deref().unwrap_or_default(), it.thumbprint.as_deref())).collect();
        subjects(context, configuration, &owner, roots, revoked, visit);
    });
}

fn owner<P>(resource: &Resource<P>, virtual_wan: bool) -> CertificateOwner {
    CertificateOwner {
        name: resource.name.to_string(),
        resource_group: resource.id.resource_group().to_owned(),
        subscription: resource.id.subscription().to_owned(),
        virtual_wan,
        roots_path: match virtual_wan {
            true => "properties.vpnClientRootCertificates[] of Microsoft.Network/vpnServerConfigurations",
            false => {
                "properties.vpnClientConfiguration.vpnClientRootCertificates[].properties of \
                 Microsoft.Network/virtualNetworkGateways"
            }
        }
        .to_owned(),
        judged: true,
    }
}

/// A root as its owner holds it.
struct Root<'a> {
    name: &'a str,
    data: Option<&'a str>,
    state: Option<&'a str>,
}

/// `revoked` are names and thumbprints.
fn subjects<P>(
    context: Context<'_>,
    resource: &Resource<P>,
    owner: &CertificateOwner,
    roots: Vec<Root<'_>>,
    revoked: Vec<(&str, Option<&str>)>,
    visit: &(dyn Fn(&Subject<'_>) + Sync),
) {
    let among = Among { names: roots.iter().map(|it| it.name.to_lowercase()).collect(), revoked };
    let facts = roots.iter().map(|root| {
        let commands = Commands { id: &resource.id, owner, name: root.name };
        RootCertificate::new(root, owner, &commands, &among, context.options.now)
    });
    let mut facts: Vec<_> = facts.collect();
    standing::compare(&mut facts, owner, &resource.id, &among);
    for facts in &facts {
        let identity = Identity {
            kind: SubjectKind::RootCertificate,
            id: resource.id.clone(),
            name: resource.name.to_string(),
            element: Some(facts.name.clone()),
            location: resource.location.as_deref().map(str::to_owned),
        };
        visit(&Subject { identity, roots: vec![facts, owner] });
    }
}

impl RootCertificate {
    fn new(
        root: &Root<'_>,
        owner: &CertificateOwner,
        commands: &Commands<'_>,
        among: &Among<'_>,
        now: OffsetDateTime,
    ) -> Self {
        let Root { name, data, state } = *root;
        let expression = data.is_some_and(is_template_expression);
        let reading = data.filter(|_| !expression).map(certificate::read).ok_or_else(|| {
            let what = format!("`publicCertData` of the root certificate `{name}` on `{}`", owner.name);
            let why = if expression { "it is a template's expression; " } else { "" };
            Unread::new(what, commands.how_to_read(why))
        });
        let problem = reading.as_ref().map(problem).map_err(Clone::clone);
        let damage = reading.as_ref().map(phrases::damage).map_err(Clone::clone);
        let decoded = match &reading {
            Err(unread) => Err(unread.clone()),
            Ok(Reading { content: Content::Certificate(der), .. }) => certificate::decode(der).ok_or_else(|| {
                Unread::new(
                    format!("the content of the root certificate `{name}` on `{}`", owner.name),
                    "upload it again",
                )
            }),
            Ok(reading) => {
                let damage = phrases::damage(reading);
                let what = format!("the content of the root certificate `{name}` on `{}` ({damage})", owner.name);
                Err(Unread::new(what, "upload an intact certificate, and scan again"))
            }
        };
        macro_rules! read {
            (|$reading:ident| $value:expr) => {
                reading.as_ref().map(|$reading| $value).map_err(Clone::clone)
            };
        }
        macro_rules! say {
            (|$decoded:ident| $value:expr) => {
                decoded.as_ref().map(|$decoded| $value).map_err(Clone::clone)
            };
        }
        let cleaned = match &reading {
            Ok(Reading { content: Content::Certificate(_), cleaned: Some(cleaned), private_key: None, .. }) => {
                cleaned.text.as_deref()
            }
            _ => None,
        };
        let beside_key = reading.as_ref().is_ok_and(certificate_beside_key);
        let validity = say!(|it| validity_state(it.not_before, it.not_after, now));
        let elapsed = say!(|it| elapsed_fraction(it.not_before, it.not_after, now));
        let days_left = say!(|it| (it.not_after - now).as_seconds_f64() / 86_400.0);
        let standing = Standing::alone(commands, among, &decoded, &problem, cleaned, &days_left);
        Self {
            name: name.to_owned(),
            layout: read!(|it| it.layout),
            layout_problem: read!(|it| phrases::layout(it)),
            layout_offset: read!(|it| it.fault.as_ref().map(|fault| int(fault.offset))),
            layout_character: read!(|it| it.fault.as_ref().and_then(|fault| fault.character)),
            cleaned_sha256: read!(|it| it.cleaned.as_ref().map(|cleaned| cleaned.sha256.clone())),
            problem,
            damage,
            damage_offset: read!(|it| match it.content {
                Content::Damaged(
                    Damage::NotBase64 { offset, inner: false, .. } | Damage::StrayData(Stray { offset, inner: false }),
                ) => Some(int(offset)),
                _ => None,
            }),
            has_private_key: read!(|it| it.private_key.is_some()),
            private_key_form: read!(|it| it.private_key),
            certificate_beside_key: read!(|it| certificate_beside_key(it)),
            stray_text: read!(|it| phrases::stray_text(it)),
            subject: say!(|it| it.subject.clone()),
            issuer: say!(|it| it.issuer.clone()),
            self_issued: say!(|it| it.self_issued),
            serial: say!(|it| it.serial.clone()),
            thumbprint: say!(|it| it.thumbprint.clone()),
            not_before: say!(|it| rfc3339(it.not_before)),
            not_after: say!(|it| rfc3339(it.not_after)),
            validity_problem: say!(|it| phrases::validity(validity_state(it.not_before, it.not_after, now), it)),
            validity_state: validity,
            elapsed_percent: elapsed.clone().map(|share| format!("{} %", (share * 1000.0).ceil() / 10.0)),
            elapsed_fraction: elapsed,
            days_left,
            key_kind: say!(|it| it.key_kind),
            key_size: decoded.as_ref().map_err(Clone::clone).and_then(|it| {
                let what = || format!("the size of the key of the root certificate `{name}` on `{}`", owner.name);
                it.key_size.map(i64::from).ok_or_else(|| Unread::new(what(), "look at it with `openssl x509 -text`"))
            }),
            signature_algorithm: say!(|it| it.signature_algorithm.clone()),
            signature_hash: say!(|it| it.signature_hash),
            ca: say!(|it| it.ca),
            cert_sign: say!(|it| it.cert_sign),
            mend_commands: cleaned.map_or_else(|| commands.replace(), |text| commands.mend(text)),
            replace_commands: commands.replace(),
            renew_commands: commands.renew(),
            remove_key_commands: if beside_key { commands.supersede() } else { commands.remove() },
            provisioning_state: state.map(str::to_owned),
            provisioning_failed: state.map_or(Ok(false), |word| provisioning_failed(word, name, owner)),
            standing,
        }
    }
}

/// Whether it is an expression of a deployment template that nobody evaluated: `[parameters('root')]`.
pub(super) fn is_template_expression(data: &str) -> bool {
    let data = data.trim();
    data.starts_with('[') && !data.starts_with("[[") && data.ends_with(")]")
}

/// Whether that word is `Failed`, in any letter case.
fn provisioning_failed(word: &str, name: &str, owner: &CertificateOwner) -> Known<bool> {
    match word.to_ascii_lowercase().as_str() {
        "failed" => Ok(true),
        "succeeded" | "updating" | "deleting" => Ok(false),
        _ => {
            let what = format!(
                "what the provisioning state `{word}` of the root certificate `{name}` on `{}` means (azaudit does not \
                 know it)",
                owner.name
            );
            Err(Unread::new(what, "correct it, or update azaudit"))
        }
    }
}

fn problem(reading: &Reading) -> Problem {
    match &reading.content {
        Content::Certificate(_) => Problem::None,
        Content::PrivateKey => Problem::PrivateKey,
        Content::Damaged(damage) => match damage {
            Damage::Empty => Problem::Empty,
            Damage::NotBase64 { .. } | Damage::OddLength(_) => Problem::NotBase64,
            Damage::Truncated { .. } => Problem::Truncated,
            Damage::NotX509(_) => Problem::NotX509,
            Damage::TrailingBytes(_) => Problem::TrailingBytes,
            Damage::SeveralCertificates(_) => Problem::SeveralCertificates,
            Damage::Pkcs7 => Problem::Pkcs7,
            Damage::StrayData(_) => Problem::StrayData,
        },
    }
}

/// Not all that stands beside a key was a certificate.
fn certificate_beside_key(reading: &Reading) -> bool {
    let certificate = match &reading.content {
        Content::Certificate(_) => true,
        Content::PrivateKey => false,
        Content::Damaged(damage) => match damage {
            Damage::Empty | Damage::NotBase64 { .. } | Damage::OddLength(_) | Damage::NotX509(_) => false,
            Damage::Truncated { .. }
            | Damage::TrailingBytes(_)
            | Damage::SeveralCertificates(_)
            | Damage::Pkcs7
            | Damage::StrayData(_) => true,
        },
    };
    certificate && reading.private_key.is_some()
}

fn int(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn rfc3339(moment: OffsetDateTime) -> String {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}

fn validity_state(not_before: OffsetDateTime, not_after: OffsetDateTime, now: OffsetDateTime) -> ValidityState {
    if now > not_after {
        ValidityState::Expired
    } else if now < not_before {
        ValidityState::NotYetValid
    } else {
        ValidityState::Valid
    }
}

/// Exactly 0.5 half-way. A validity without length is over when it starts: 0 of 0 seconds could be any share, but its
/// only moment is notAfter as well, and there every certificate has used up its lifetime although it is still valid.
fn elapsed_fraction(not_before: OffsetDateTime, not_after: OffsetDateTime, now: OffsetDateTime) -> f64 {
    let length = not_after - not_before;
    if length.is_positive() {
        (now - not_before).as_seconds_f64() / length.as_seconds_f64()
    } else if now < not_after {
        0.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests;
