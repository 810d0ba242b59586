//! The keys of one data folder: made once, at random, and kept in `secrets.toml`, so
//! that tokens and signed addresses stay good over a restart.

use std::{fs, io};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::folder::DataFolder;
use crate::{
    access::Keyring,
    kernel::{Code, Error, Result},
};

/// The keys.
#[derive(Debug)]
pub struct Secrets {
    /// Signs tokens.
    pub signing_key: SecretString,
    /// Signs the addresses of uploads and downloads.
    pub url_secret: SecretString,
    /// Seals the keys that organizations give us.
    pub vault_key: SecretString,
    /// The password of the application's role, on a server that asks for one.
    pub database_password: SecretString,
}

/// The form of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    signing_key: String,
    url_secret: String,
    /// Empty in folders from before there was a vault; made then.
    #[serde(default)]
    vault_key: String,
    database_password: String,
}

const HEADING: &str = "# Keys of this data folder; whoever has them can sign tokens for it.\n";

impl Secrets {
    /// Reads the folder's keys, or makes them.
    pub fn of(folder: &DataFolder) -> Result<Self> {
        let path = folder.secrets();
        let unreadable = |why: &dyn std::fmt::Display| {
            Error::new(
                Code::Unavailable,
                format!(
                    "{} can't be read ({why}); put it right, or begin anew with --reset.",
                    path.display()
                ),
            )
        };
        let kept = match fs::read_to_string(&path) {
            // The parser's own message would quote the line, which is a key.
            Ok(text) => {
                let mut kept: Kept = toml::from_str(&text)
                    .map_err(|_| unreadable(&"it does not hold exactly our keys"))?;
                if kept.vault_key.is_empty() {
                    kept.vault_key = random()?;
                    kept.write(folder)?;
                }
                kept
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let new = Kept::generate()?;
                new.write(folder)?;
                new
            }
            Err(error) => return Err(unreadable(&error)),
        };
        Ok(kept.into())
    }
}

impl Kept {
    fn generate() -> Result<Self> {
        Ok(Kept {
            signing_key: Keyring::generate().expose_secret().to_owned(),
            url_secret: random()?,
            vault_key: random()?,
            database_password: random()?,
        })
    }

    fn write(&self, folder: &DataFolder) -> Result<()> {
        let text = toml::to_string(self).map_err(Error::internal)?;
        folder.write_private(&folder.secrets(), &format!("{HEADING}{text}"))
    }
}

impl From<Kept> for Secrets {
    fn from(kept: Kept) -> Self {
        Secrets {
            signing_key: kept.signing_key.into(),
            url_secret: kept.url_secret.into(),
            vault_key: kept.vault_key.into(),
            database_password: kept.database_password.into(),
        }
    }
}

/// 32 random bytes in hexadecimal.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let first = Secrets::of(&folder).unwrap();
        let second = Secrets::of(&folder).unwrap();
        let key = |secrets: &Secrets| secrets.signing_key.expose_secret().to_owned();
        assert_eq!(key(&first), key(&second));
        assert_eq!(key(&first).len(), 64);
        assert_ne!(
            first.url_secret.expose_secret(),
            first.database_password.expose_secret()
        );
    }

    #[test]
    fn a_folder_from_before_the_vault_gets_its_key_and_keeps_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        let old = "signing_key = \"a\"\nurl_secret = \"b\"\ndatabase_password = \"c\"\n";
        fs::write(folder.secrets(), old).unwrap();
        let first = Secrets::of(&folder).unwrap();
        let second = Secrets::of(&folder).unwrap();
        assert_eq!(first.vault_key.expose_secret().len(), 64);
        assert_eq!(
            first.vault_key.expose_secret(),
            second.vault_key.expose_secret()
        );
        assert_eq!(second.signing_key.expose_secret(), "a");
    }

    #[test]
    fn a_damaged_file_is_refused_without_quoting_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path()).unwrap();
        fs::write(folder.secrets(), "signing_key = \"hunter2\nurl").unwrap();
        let error = Secrets::of(&folder).unwrap_err();
        assert!(error.message().contains("--reset"), "{error}");
        assert!(!error.chain().contains("hunter2"), "{}", error.chain());
    }
}
