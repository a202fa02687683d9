//! Agencies (cơ quan ban hành) and their seals.

use super::column::{Columns, bytes};
use super::{Conflict, StoreError, Tx};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use sqlx::any::AnyRow;

/// An agency that issues results.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Agency {
    /// Its identifier, e.g. `000.00.16.H99`.
    pub code: String,
    /// The short code in credentials.
    pub issuer: String,
    /// What numbers of its documents call it, e.g. `SXD`.
    pub symbol: String,
    /// Its name in Vietnamese.
    pub name_vi: String,
    /// Its name in English.
    pub name_en: String,
    /// Name of the agency above it.
    pub parent: Option<String>,
    /// Where to call.
    pub phone: Option<String>,
    /// The picture of its seal.
    pub seal: Option<Seal>,
    /// When it was entered.
    pub created_at: UnixTime,
}

/// The picture of a seal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Seal {
    /// Digest of the PNG among the documents.
    pub image: Sha256,
    /// Diameter of the real seal in tenths of a millimetre: 350 is 35 mm.
    pub diameter_tenths_mm: u32,
}

const INSERT: &str = "
    INSERT INTO agencies (code, issuer, symbol, name_vi, name_en, parent, phone, seal_image,
        seal_diameter_tenths_mm, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING";

const BY_CODE: &str = "
    SELECT code, issuer, symbol, name_vi, name_en, parent, phone, seal_image, seal_diameter_tenths_mm, created_at
    FROM agencies WHERE code = $1";

const ALL: &str = "
    SELECT code, issuer, symbol, name_vi, name_en, parent, phone, seal_image, seal_diameter_tenths_mm, created_at
    FROM agencies ORDER BY code";

const UPDATE: &str = "
    UPDATE agencies SET name_vi = $2, name_en = $3, parent = $4, phone = $5, seal_image = $6,
        seal_diameter_tenths_mm = $7
    WHERE code = $1";

impl Tx {
    /// Enters an agency.
    ///
    /// # Errors
    /// [`Conflict::Agency`] when its code or issuer code is taken.
    pub async fn add_agency(&mut self, agency: &Agency) -> Result<(), StoreError> {
        let done = sqlx::query(INSERT)
            .bind(&agency.code)
            .bind(&agency.issuer)
            .bind(&agency.symbol)
            .bind(&agency.name_vi)
            .bind(&agency.name_en)
            .bind(agency.parent.as_deref())
            .bind(agency.phone.as_deref())
            .bind(bytes(agency.seal.map(|seal| seal.image).as_ref()))
            .bind(agency.seal.map(|seal| i64::from(seal.diameter_tenths_mm)))
            .bind(agency.created_at.seconds())
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict(Conflict::Agency)),
            _ => Ok(()),
        }
    }

    /// Writes names, parent, phone and seal anew; codes never change.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when nobody has this code.
    pub async fn update_agency(&mut self, agency: &Agency) -> Result<(), StoreError> {
        let done = sqlx::query(UPDATE)
            .bind(&agency.code)
            .bind(&agency.name_vi)
            .bind(&agency.name_en)
            .bind(agency.parent.as_deref())
            .bind(agency.phone.as_deref())
            .bind(bytes(agency.seal.map(|seal| seal.image).as_ref()))
            .bind(agency.seal.map(|seal| i64::from(seal.diameter_tenths_mm)))
            .execute(self.connection())
            .await?;
        match done.rows_affected() {
            0 => Err(StoreError::Missing("agency")),
            _ => Ok(()),
        }
    }

    /// The agency with a code.
    pub async fn agency(&mut self, code: &str) -> Result<Option<Agency>, StoreError> {
        let query = sqlx::query(BY_CODE).bind(code);
        let row = query.fetch_optional(self.connection()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Every agency, by code.
    pub async fn agencies(&mut self) -> Result<Vec<Agency>, StoreError> {
        let rows = sqlx::query(ALL).fetch_all(self.connection()).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<Agency, StoreError> {
    let row = Columns(row);
    let image = row.digest_or_null("seal_image")?;
    let diameter = row.number_or_null("seal_diameter_tenths_mm")?;
    Ok(Agency {
        code: row.text("code")?,
        issuer: row.text("issuer")?,
        symbol: row.text("symbol")?,
        name_vi: row.text("name_vi")?,
        name_en: row.text("name_en")?,
        parent: row.text_or_null("parent")?,
        phone: row.text_or_null("phone")?,
        seal: image.zip(diameter).map(|(image, diameter_tenths_mm)| Seal {
            image,
            diameter_tenths_mm,
        }),
        created_at: row.time("created_at")?,
    })
}
