//! Commands about one root certificate.
//!
//! `az network vnet-gateway root-cert create` makes base64 of whatever file it is handed, so it needs DER: a PEM file
//! ends as base64 of PEM. There is no command for a single root of a Virtual WAN server configuration, only for all
//! of them at once; the generic update changes one and leaves the others alone.

use std::borrow::Cow;

use super::CertificateOwner;
use crate::facts::command::{Command, az_word, option};
use crate::inventory::ResourceId;

/// The names that stand in the commands.
pub(super) struct Commands<'a> {
    pub id: &'a ResourceId,
    pub owner: &'a CertificateOwner,
    /// The certificate's.
    pub name: &'a str,
}

/// Stands for base64 that only the reader has.
const PLACEHOLDER: &str = "ONE_LINE_OF_BASE64";

impl Commands<'_> {
    /// Prints the owner as Azure holds it.
    fn show(&self) -> Command {
        if self.owner.virtual_wan {
            return Command::new(["az", "resource", "show", "--ids", self.id.as_str()]);
        }
        self.az(&["vnet-gateway", "show"], "--name", &[])
    }

    /// How to get what the input lacks of it, after `why`.
    pub fn how_to_read(&self, why: &str) -> String {
        format!("{why}read the resource by GET: {}", self.show().as_str())
    }

    /// Uploads that base64 once more, under that name.
    pub fn rename(&self, name: &str, base64: &str) -> Vec<Command> {
        let new = Commands { name, ..*self };
        if self.owner.virtual_wan { vec![new.add(base64)] } else { new.mend(base64) }
    }

    /// Uploads that base64 in its place.
    pub fn mend(&self, base64: &str) -> Vec<Command> {
        if self.owner.virtual_wan {
            return vec![self.set(base64)];
        }
        let file = self.file("cer");
        let decode = Command::new(["printf", "%s", base64]).pipe(Command::new(["base64", "-d"]));
        vec![decode.into_file(&file), self.create(&file)]
    }

    /// Uploads another certificate in its place.
    pub fn replace(&self) -> Vec<Command> {
        let last = if self.owner.virtual_wan { self.set(PLACEHOLDER) } else { self.create(&self.file("cer")) };
        self.prepare().into_iter().chain([last]).collect()
    }

    /// Uploads another certificate beside it.
    pub fn renew(&self) -> Vec<Command> {
        let name = format!("{}-new", self.name);
        let new = Commands { name: &name, ..*self };
        if !self.owner.virtual_wan {
            return new.replace();
        }
        new.prepare().into_iter().chain([new.add(PLACEHOLDER)]).collect()
    }

    /// Uploads another certificate beside it, then takes it away.
    pub fn supersede(&self) -> Vec<Command> {
        if self.owner.virtual_wan {
            return self.replace();
        }
        self.renew().into_iter().chain(self.remove()).collect()
    }

    /// Takes it away.
    pub fn remove(&self) -> Vec<Command> {
        if self.owner.virtual_wan {
            return self.replace();
        }
        vec![self.az(&["vnet-gateway", "root-cert", "delete"], "--gateway-name", &option("--name", self.name))]
    }

    /// Makes what can be uploaded out of a PEM file.
    fn prepare(&self) -> Vec<Command> {
        let (pem, der) = (self.file("pem"), self.file("cer"));
        let mut commands = vec![Command::new(["openssl", "x509", "-in", &pem, "-outform", "DER", "-out", &der])];
        if self.owner.virtual_wan {
            commands.push(Command::new(["openssl", "enc", "-base64", "-A", "-in", &der]));
        }
        commands
    }

    fn create(&self, file: &str) -> Command {
        let arguments = [option("--name", self.name), option("--public-cert-data", file)].concat();
        self.az(&["vnet-gateway", "root-cert", "create"], "--gateway-name", &arguments)
    }

    fn az(&self, verb: &[&str], owner: &str, arguments: &[Cow<'_, str>]) -> Command {
        let CertificateOwner { name, resource_group, subscription, .. } = self.owner;
        let place = ["--subscription", subscription, "--resource-group", resource_group, owner, name];
        let words = ["az", "network"].iter().chain(verb).map(|it| Cow::Borrowed(*it));
        let arguments = place.into_iter().chain(arguments.iter().map(|it| &**it)).map(az_word);
        Command::new(words.chain(arguments))
    }

    fn add(&self, base64: &str) -> Command {
        let (name, data) = (format!("name={}", self.name), format!("publicCertData={base64}"));
        self.update(&["--add", "properties.vpnClientRootCertificates", &name, &data])
    }

    fn set(&self, base64: &str) -> Command {
        self.update(&[
            "--set",
            &format!("properties.vpnClientRootCertificates[name={}].publicCertData={base64}", self.name),
        ])
    }

    fn update(&self, arguments: &[&str]) -> Command {
        Command::new(["az", "resource", "update", "--ids", self.id.as_str()].iter().chain(arguments))
    }

    /// A file named after the certificate, whose name is a plain word and no option.
    fn file(&self, extension: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name: String = self.name.chars().take(80).map(plain).collect();
        let name = name.trim_start_matches(['-', '.']);
        format!("{}.{extension}", if name.is_empty() { "root" } else { name })
    }
}
