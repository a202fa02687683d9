//! The decision itself: result, leaf and audit line of one result, entered in one transaction.

use super::{IssueError, Made, Receipt, Replacement, Reserved, random};
use crate::access::Caller;
use crate::private::Private;
use crate::store::documents::Staged;
use crate::store::{Appended, AuditEntry, Issued, StoreError, Tx};
use crate::tlog;
use serde_json::Value as Json;
use uuid::Uuid;

/// A result that is signed and waits to be entered.
pub(super) struct Entry {
    pub(super) issued: Issued,
    leaf: tlog::Leaf,
    qr_text: String,
}

impl Entry {
    pub(super) fn new(
        caller: &Caller,
        reserved: &Reserved,
        made: &Made,
        replacement: Option<&Replacement>,
    ) -> Result<Self, IssueError> {
        let data = &reserved.data;
        let sealed = &made.sealed;
        let mut salt = [0; tlog::SALT];
        random(&mut salt)?;
        let issued = Issued {
            id: sealed.id,
            row: Uuid::now_v7(),
            agency: reserved.agency.code.clone(),
            result_type: data.result_type().code.clone(),
            type_number: data.result_type().number,
            year: data.issue_date().year(),
            number: reserved.number,
            number_text: data.number().unwrap_or_default().to_owned(),
            dossier_code: data.dossier_code().to_owned(),
            result_code: data.result_code().to_owned(),
            issue_date: data.issue_date(),
            valid_from: data.valid_from(),
            valid_to: data.valid_to(),
            data: Private::new(Json::Object(data.to_json()).to_string()),
            credential: sealed.credential.clone(),
            kid: reserved.credential_key.public.kid(),
            list: reserved.place.list,
            index: reserved.place.index,
            issued_at: reserved.at,
            issued_by: caller.account.clone(),
            source_document: made.source,
            document: made.staged.as_ref().map(Staged::name),
            predecessor: replacement.map(|one| one.replaced),
            catalogue_version: env!("CARGO_PKG_VERSION").to_owned(),
            salt,
            leaf_index: 0,
            plates: Private::new(data.plate_keys()),
        };
        let leaf = issued.leaf(&reserved.agency.issuer);
        Ok(Self {
            issued,
            leaf,
            qr_text: sealed.qr_text.clone(),
        })
    }

    /// Writes audit line, leaf and result.
    pub(super) async fn enter(&self, tx: &mut Tx) -> Result<Receipt, StoreError> {
        let appended = self.log(tx).await?;
        self.record(tx, appended).await
    }

    /// Writes audit line and leaf.
    pub(super) async fn log(&self, tx: &mut Tx) -> Result<Appended, StoreError> {
        let issued = &self.issued;
        tx.append_audit(&AuditEntry {
            id: Uuid::now_v7(),
            at: issued.issued_at,
            actor: issued.issued_by.clone(),
            action: "result.issue".to_owned(),
            subject: Some(issued.row.to_string()),
            detail: "{}".to_owned(),
        })
        .await?;
        tx.append_leaf(&self.leaf).await
    }

    /// Writes the result, whose leaf was appended in the same transaction.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        appended: Appended,
    ) -> Result<Receipt, StoreError> {
        let mut issued = self.issued.clone();
        issued.leaf_index = appended.index;
        tx.add_result(&issued).await?;
        Ok(Receipt {
            id: issued.id,
            number: issued.number_text,
            result_code: issued.result_code,
            qr_text: self.qr_text.clone(),
            document: issued.document,
            leaf_index: appended.index,
            leaf_hash: appended.hash,
        })
    }
}
