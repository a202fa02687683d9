//! Public halves of the keys: which key signs what for whom, and where its private half lies.

use super::column::Columns;
use super::{Conflict, StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::key::PublicKey;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// A key of an agency or of the operator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// The public key; its fingerprint is the row's name.
    pub public: PublicKey,
    /// Code of the agency it signs for; `None` for the operator's.
    pub agency: Option<String>,
    /// What it signs.
    pub purpose: Purpose,
    /// Its certificate chain, leaf first, as PEM; empty where there is none.
    pub chain_pem: String,
    /// First moment at which it may sign.
    pub not_before: UnixTime,
    /// Last moment at which it may sign.
    pub not_after: UnixTime,
    /// Name of the file with the private key, in the directory of the keys.
    pub file: String,
    /// Which result types it may sign.
    pub types: TypeScope,
    /// Since when it signs nothing more.
    pub retired_at: Option<UnixTime>,
}

/// What a key signs.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// Credentials in QR codes.
    Credential,
    /// PDF documents: the agency's seal.
    Document,
    /// Status lists.
    Status,
    /// The trust bundle and the log's checkpoints.
    Operator,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [
        Self::Credential,
        Self::Document,
        Self::Status,
        Self::Operator,
    ];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Document => "document",
            Self::Status => "status",
            Self::Operator => "operator",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Which result types a key may sign. A list that happens to be empty allows none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TypeScope {
    /// Every type.
    Every,
    /// These type numbers.
    Only(Vec<u32>),
}

impl TypeScope {
    /// Whether it allows a type number.
    #[must_use]
    pub fn allows(&self, type_number: u32) -> bool {
        match self {
            Self::Every => true,
            Self::Only(numbers) => numbers.contains(&type_number),
        }
    }

    /// `*`, or the numbers with commas.
    fn to_text(&self) -> String {
        match self {
            Self::Every => "*".into(),
            Self::Only(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
                numbers.join(",")
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "*" => Some(Self::Every),
            "" => Some(Self::Only(Vec::new())),
            numbers => {
                let numbers: Result<_, _> = numbers.split(',').map(str::parse).collect();
                numbers.ok().map(Self::Only)
            }
        }
    }
}

const INSERT: &str = "
    INSERT INTO keys (fingerprint, agency_code, purpose, algorithm, spki, chain_pem, not_before, not_after,
        file, types, retired_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (fingerprint) DO NOTHING";

const BY_FINGERPRINT: &str = "
    SELECT agency_code, purpose, spki, chain_pem, not_before, not_after, file, types, retired_at
    FROM keys WHERE fingerprint = $1";

const ALL: &str = "
    SELECT agency_code, purpose, spki, chain_pem, not_before, not_after, file, types, retired_at
    FROM keys ORDER BY not_before, fingerprint";

const SIGNING: &str = "
    SELECT agency_code, purpose, spki, chain_pem, not_before, not_after, file, types, retired_at
    FROM keys
    WHERE purpose = $1 AND COALESCE(agency_code, '') = $2
      AND not_before <= $3 AND not_after >= $3 AND (retired_at IS NULL OR retired_at > $3)
    ORDER BY not_before DESC, fingerprint";

const RETIRE: &str = "
    UPDATE keys SET retired_at = $2 WHERE fingerprint = $1 AND retired_at IS NULL";

impl Tx {
    /// Enters a key.
    ///
    /// # Errors
    /// [`Conflict::Key`] when it is known.
    pub async fn add_key(&mut self, key: &Key) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT)
            .bind(key.public.fingerprint().0.as_slice())
            .bind(key.agency.as_deref())
            .bind(key.purpose.name())
            .bind(key.public.algorithm().name())
            .bind(key.public.spki())
            .bind(&key.chain_pem)
            .bind(key.not_before.seconds())
            .bind(key.not_after.seconds())
            .bind(&key.file)
            .bind(key.types.to_text())
            .bind(key.retired_at.map(UnixTime::seconds))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::Key)),
            _ => Ok(()),
        }
    }

    /// The key with a fingerprint.
    pub async fn key(&mut self, fingerprint: &Sha256) -> Result<Option<Key>, StoreError> {
        let query = sqlx::query(BY_FINGERPRINT).bind(fingerprint.0.as_slice());
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Every key, also the retired ones: the trust bundle needs them for what they signed.
    pub async fn keys(&mut self) -> Result<Vec<Key>, StoreError> {
        keys(self.connection()).await
    }

    /// The keys that may sign at a moment, the newest first; `agency` is `None` for the operator's.
    pub async fn signing_keys(
        &mut self,
        purpose: Purpose,
        agency: Option<&str>,
        at: UnixTime,
    ) -> Result<Vec<Key>, StoreError> {
        let rows = sqlx::query(SIGNING)
            .bind(purpose.name())
            .bind(agency.unwrap_or_default())
            .bind(at.seconds())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(read).collect()
    }

    /// Ends the use of a key.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is unknown or retired already.
    pub async fn retire_key(
        &mut self,
        fingerprint: &Sha256,
        at: UnixTime,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(RETIRE)
            .bind(fingerprint.0.as_slice())
            .bind(at.seconds())
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Missing("key in use")),
            _ => Ok(()),
        }
    }
}

/// See [`Tx::keys`].
pub(super) async fn keys(connection: &mut AnyConnection) -> Result<Vec<Key>, StoreError> {
    let rows = sqlx::query(ALL).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Key, StoreError> {
    let row = Columns(row);
    let public =
        PublicKey::from_spki(&row.bytes("spki")?).map_err(|_| StoreError::Corrupt("spki"))?;
    Ok(Key {
        public,
        agency: row.text_or_null("agency_code")?,
        purpose: row.word("purpose", Purpose::parse)?,
        chain_pem: row.text("chain_pem")?,
        not_before: row.time("not_before")?,
        not_after: row.time("not_after")?,
        file: row.text("file")?,
        types: row.word("types", TypeScope::parse)?,
        retired_at: row.time_or_null("retired_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_scope_allows_nothing_and_reads_back_as_itself() {
        for (scope, allows_two) in [
            (TypeScope::Every, true),
            (TypeScope::Only(vec![]), false),
            (TypeScope::Only(vec![1, 2]), true),
        ] {
            assert_eq!(scope.allows(2), allows_two);
            assert_eq!(TypeScope::parse(&scope.to_text()), Some(scope));
        }
        assert_eq!(TypeScope::parse("1,x"), None);
    }
}
