//! Issuing a result in the place of another (cấp lại, cấp đổi; NĐ 30/2020 Đ18.3): the new one is entered
//! and the old one superseded in one transaction, or neither.

use super::{IssueError, Issuer, Outcome, Request};
use crate::access::{Caller, Permission, Role};
use crate::catalogue::ChangeKind;
use crate::clock::UnixTime;
use crate::id::ResultId;
use crate::lifecycle::{
    self, Answerer, Ask, Decided, Decision, Grounds, Lifecycle, LifecycleError,
};
use crate::limits;
use crate::pdf::PdfError;
use crate::private::Private;
use crate::store::{ChangeRequest, Issued, StoreError, StoredResult, Submission, Tx};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use uuid::Uuid;

/// Which result is replaced, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replacement {
    /// The look-up code of the one whose place is taken.
    pub replaced: ResultId,
    /// Why.
    pub grounds: Grounds,
    /// Whoever confirms it, and what he confirms.
    confirmed: Option<(Caller, ChangeRequest)>,
}

impl Replacement {
    /// The replacement of `replaced`.
    #[must_use]
    pub fn of(replaced: ResultId, grounds: Grounds) -> Self {
        Self {
            replaced,
            grounds,
            confirmed: None,
        }
    }
}

/// What came of a replacement.
#[derive(Clone, Debug)]
pub enum Replaced {
    /// The new result is issued and the old one superseded.
    Issued(Outcome),
    /// It waits for a second person.
    Waits(Box<ChangeRequest>),
}

/// What came of a confirmation.
#[derive(Clone, Debug)]
pub enum Confirmed {
    /// The status is changed.
    Decided(Decided),
    /// The new result is issued and the old one superseded.
    Issued(Outcome),
}

impl Issuer {
    /// Issues a result in the place of another one of the same agency and type.
    ///
    /// # Errors
    /// [`IssueError`]; nothing is issued and nothing superseded then.
    pub async fn replace(
        &self,
        caller: &Caller,
        mut request: Request,
        replacement: &Replacement,
    ) -> Result<Replaced, IssueError> {
        caller.require(Permission::Issue)?;
        if let Some(answer) = self.earlier(caller, request.once.as_ref()).await? {
            return Ok(Replaced::Issued(Outcome::Replayed(answer)));
        }
        let now = self.clock.now();
        let stored = self.replaceable(caller, replacement.replaced, now).await?;
        self.name(&mut request.data).await?;
        let data = self.read(&request.data)?;
        caller.require_at(Permission::Issue, data.agency_code())?;
        if data.result_type().code != stored.issued.result_type {
            return Err(LifecycleError::OtherType.into());
        }
        if self
            .lifecycle()
            .asks_for_four_eyes(&stored, ChangeKind::Replacement)
        {
            let waits = self.ask(caller, &request, replacement, &stored).await?;
            return Ok(Replaced::Waits(Box::new(waits)));
        }
        let issued = self.issue_in_place(caller, request, Some(replacement));
        Ok(Replaced::Issued(issued.await?))
    }

    /// Does what another account asked for; of a replacement, with what that account handed in, and in its
    /// name.
    ///
    /// # Errors
    /// [`IssueError`]; the request waits on then.
    pub async fn confirm(&self, caller: &Caller, id: Uuid) -> Result<Confirmed, IssueError> {
        let mut tx = self.store.read().await?;
        let now = self.clock.now();
        let request = lifecycle::answerable(&mut tx, Answerer { caller, now }, id).await?;
        if request.kind != ChangeKind::Replacement {
            drop(tx);
            let decided = self.lifecycle().confirm(caller, id).await?;
            return Ok(Confirmed::Decided(decided));
        }
        let submission = tx.submission(id).await?;
        let submission = submission.ok_or(StoreError::Missing("submission"))?;
        drop(tx);
        let asker = Caller {
            account: request.asked_by.clone(),
            role: Role::Registrar,
            agency: request.agency.clone(),
        };
        let data = serde_json::from_str(submission.data.expose());
        let new = Request {
            data: data.map_err(|_| StoreError::Corrupt("data"))?,
            pdf: submission.pdf.map(|pdf| pdf.expose().clone().into()),
            once: None,
        };
        self.replaceable(&asker, request.result, now).await?;
        let replacement = Replacement {
            replaced: request.result,
            grounds: lifecycle::grounds_of(&request),
            confirmed: Some((caller.clone(), request)),
        };
        let issued = self.issue_in_place(&asker, new, Some(&replacement));
        Ok(Confirmed::Issued(issued.await?))
    }

    fn lifecycle(&self) -> Lifecycle {
        let catalogue = Arc::clone(&self.catalogue);
        Lifecycle::new(self.store.clone(), catalogue, Arc::clone(&self.clock))
    }

    /// The result that is to be replaced, if it can be: found out before a key is used.
    async fn replaceable(
        &self,
        caller: &Caller,
        id: ResultId,
        now: UnixTime,
    ) -> Result<StoredResult, IssueError> {
        let stored = self.store.read().await?.result(&id).await?;
        let stored = stored.ok_or(LifecycleError::Unknown)?;
        caller.require_at(Permission::ChangeStatus, &stored.issued.agency)?;
        lifecycle::require_possible(&stored, ChangeKind::Replacement, None, now)?;
        Ok(stored)
    }

    /// Gives data without a result code the next one of its dossier: the first is often that of the result
    /// which is replaced.
    async fn name(&self, data: &mut Map<String, Json>) -> Result<(), IssueError> {
        if !data.get("result_code").is_none_or(Json::is_null) {
            return Ok(());
        }
        let dossier = self.read(data)?.dossier_code().to_owned();
        let mut tx = self.store.read().await?;
        // A dossier has a handful of results; whoever has more names them.
        for n in 1..=99 {
            let code = format!("{dossier}-KQ{n}");
            if tx.result_of_code(&code).await?.is_none() {
                data.insert("result_code".to_owned(), code.into());
                break;
            }
        }
        Ok(())
    }

    async fn ask(
        &self,
        caller: &Caller,
        request: &Request,
        replacement: &Replacement,
        stored: &StoredResult,
    ) -> Result<ChangeRequest, IssueError> {
        let pdf = match &request.pdf {
            // It waits in the register.
            Some(pdf) if pdf.length() > limits::PDF_FILE => {
                let bytes = pdf.length();
                return Err(PdfError::TooLarge { bytes }.into());
            }
            Some(pdf) => Some(Private::new(pdf.bytes().await?)),
            None => None,
        };
        let submission = Submission {
            data: Private::new(Json::Object(request.data.clone()).to_string()),
            pdf,
        };
        let ask = Ask {
            kind: ChangeKind::Replacement,
            until: None,
            grounds: &replacement.grounds,
            actor: &caller.account,
            submission: Some(&submission),
        };
        self.store
            .run(async |mut tx: Tx| {
                let now = self.clock.now();
                let waits = lifecycle::ask(&mut tx, stored, &ask, now).await?;
                Ok::<_, IssueError>((tx, waits))
            })
            .await
    }

    /// Supersedes the replaced result by one that is about to be entered in the same transaction.
    pub(super) async fn supersede(
        &self,
        tx: &mut Tx,
        replacement: &Replacement,
        new: &Issued,
    ) -> Result<(), IssueError> {
        let now = self.clock.now();
        let stored = tx.result(&replacement.replaced).await?;
        let stored = stored.ok_or(LifecycleError::Unknown)?;
        let confirmed = replacement.confirmed.as_ref();
        let decision = Decision {
            kind: ChangeKind::Replacement,
            until: None,
            successor: Some((new.id, new.row)),
            grounds: &replacement.grounds,
            actor: &new.issued_by,
            confirmed_by: confirmed.map(|(caller, _)| caller.account.as_str()),
        };
        let decided = lifecycle::write(tx, &stored, &decision, now).await?;
        if let Some((caller, request)) = confirmed {
            let who = Answerer { caller, now };
            lifecycle::confirmed(tx, who, request, &decided).await?;
        }
        Ok(())
    }
}
