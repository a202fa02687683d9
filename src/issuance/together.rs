//! Many results at once: signed on every core, entered in one transaction, each refused on its own.
//!
//! A result that the register has already, with the same data and the same PDF, is not issued again: its
//! receipt comes back. So a list that was stopped anywhere is given again from its first row, and every
//! row is issued once. What is kept for that is the result itself, which is never forgotten.

use super::entry::Entry;
use super::list::StatusPlace;
use super::{Grounds, IssueError, Issuer, Made, Outcome, Receipt, Request, Reserved, with_number};
use crate::access::{Caller, Permission};
use crate::catalogue::ResultData;
use crate::store::documents::Staged;
use crate::store::{Conflict, Issued, StoreError, Tx};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use tokio::task::JoinSet;

/// How a request of many was answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Together {
    /// Issued now.
    Now(Receipt),
    /// Issued before, with the same data and the same PDF.
    Before(Receipt),
}

/// What issuing a request would do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Examined {
    /// It would be issued.
    Fits,
    /// It was, with the same data and the same PDF.
    Issued(Receipt),
}

/// Grounds by agency, type, and whether there is a PDF.
type Known = HashMap<(String, String, bool), Grounds>;

/// What a first look at a request found.
enum Looked {
    New(Box<(ResultData, Grounds)>),
    Before(Receipt),
}

/// A request on its way.
struct Waiting {
    place: usize,
    caller: Caller,
    request: Request,
    reserved: Reserved,
}

/// Why the transaction of many was undone.
#[derive(Debug, thiserror::Error)]
enum Undone {
    /// One of them met a result that was not there when it was looked for.
    #[error("entry {0} met another result")]
    By(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Issuer {
    /// Judges a request as issuing it would, without a key, a number or a write.
    ///
    /// # Errors
    /// [`IssueError`] as [`Self::issue`].
    pub async fn examine(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Examined, IssueError> {
        let mut tx = self.store.read().await?;
        let looked = self
            .look(&mut tx, &mut Known::new(), caller, request)
            .await?;
        let (data, grounds) = match looked {
            Looked::Before(receipt) => return Ok(Examined::Issued(receipt)),
            Looked::New(new) => *new,
        };
        drop(tx);
        self.rehearse(data, grounds, request).await?;
        Ok(Examined::Fits)
    }

    /// [`Self::examine`] for many, on every core; each is answered in its place.
    ///
    /// # Errors
    /// [`IssueError`] without a code when the installation fails.
    pub async fn examine_together(
        &self,
        requests: Vec<(Caller, Request)>,
    ) -> Result<Vec<Result<Examined, IssueError>>, IssueError> {
        let mut working = JoinSet::new();
        for part in in_lanes(requests.into_iter().enumerate()) {
            let issuer = self.clone();
            working.spawn(async move {
                let mut done = Vec::with_capacity(part.len());
                for (place, (caller, request)) in part {
                    done.push((place, issuer.examine(&caller, &request).await));
                }
                done
            });
        }
        let mut all = joined(working).await?;
        all.sort_by_key(|(place, _)| *place);
        let fault = |answer: &Result<_, IssueError>| answer.as_ref().is_err_and(is_a_fault);
        if let Some(at) = all.iter().position(|(_, answer)| fault(answer)) {
            let (_, answer) = all.swap_remove(at);
            return answer.map(|_| Vec::new());
        }
        Ok(all.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Issues many requests, numbered in their order; each is answered in its place. They are signed
    /// before anything is written and then entered together.
    ///
    /// # Errors
    /// [`IssueError`] without a code when the installation fails; nothing of them is issued then, or what
    /// was is found again by the same call.
    pub async fn issue_together(
        &self,
        requests: Vec<(Caller, Request)>,
    ) -> Result<Vec<Result<Together, IssueError>>, IssueError> {
        let mut answers: Vec<Option<Result<Together, IssueError>>> = Vec::new();
        answers.resize_with(requests.len(), || None);
        let mut new = Vec::new();
        let mut known = Known::new();
        let mut tx = self.store.read().await?;
        for (place, (caller, request)) in requests.into_iter().enumerate() {
            match self.look(&mut tx, &mut known, &caller, &request).await {
                Ok(Looked::New(found)) => new.push((place, caller, request, *found)),
                Ok(Looked::Before(receipt)) => put(&mut answers, place, Together::Before(receipt)),
                Err(error) => refuse(&mut answers, place, error)?,
            }
        }
        drop(tx);
        let mut fit = Vec::new();
        for (place, caller, request, (data, grounds)) in new {
            // A number that is taken for a page without a free place would be missing in the book.
            let judged = if data.number().is_none() {
                self.rehearse(data.clone(), grounds.clone(), &request).await
            } else {
                Ok(())
            };
            match judged {
                Ok(()) => fit.push((place, caller, request, data, grounds)),
                Err(error) => refuse(&mut answers, place, error)?,
            }
        }
        let waiting = self.numbered_together(fit).await?;
        let mut made = Vec::new();
        for (waiting, result) in self.make_together(waiting).await? {
            match result {
                Ok(one) => {
                    let entry = Entry::new(&waiting.caller, &waiting.reserved, &one, None)?;
                    made.push((entry, one.staged, waiting));
                }
                Err(error) => refuse(&mut answers, waiting.place, error)?,
            }
        }
        self.enter_together(made, &mut answers).await?;
        let failed = || Err(IssueError::SelfCheck);
        Ok(answers
            .into_iter()
            .map(|one| one.unwrap_or_else(failed))
            .collect())
    }

    /// Reads a request and asks the register about it.
    async fn look(
        &self,
        tx: &mut Tx,
        known: &mut Known,
        caller: &Caller,
        request: &Request,
    ) -> Result<Looked, IssueError> {
        caller.require(Permission::Issue)?;
        let data = self.read(&request.data)?;
        caller.require_at(Permission::Issue, data.agency_code())?;
        let result_type = data.result_type().code.clone();
        let key = (
            data.agency_code().to_owned(),
            result_type,
            request.pdf.is_some(),
        );
        let grounds = if let Some(grounds) = known.get(&key) {
            grounds.clone()
        } else {
            let grounds = self.grounds(tx, &data, request.pdf.is_some()).await?;
            known.entry(key.clone()).or_insert(grounds).clone()
        };
        if let Some(earlier) = tx.result_of_code(data.result_code()).await? {
            let earlier = earlier.issued;
            return if is_the_same(request, &data, &earlier).await? {
                Ok(Looked::Before(self.receipt_of(tx, &earlier).await?))
            } else {
                Err(IssueError::Duplicate(Conflict::ResultCode))
            };
        }
        if let Some(number) = data.number() {
            let (agency, result_type, _) = &key;
            let year = data.issue_date().year();
            if tx
                .number_is_taken(agency, result_type, year, number)
                .await?
            {
                return Err(IssueError::Duplicate(Conflict::Number));
            }
        }
        Ok(Looked::New(Box::new((data, grounds))))
    }

    async fn receipt_of(&self, tx: &mut Tx, issued: &Issued) -> Result<Receipt, IssueError> {
        let place = issued.leaf_index..issued.leaf_index.saturating_add(1);
        let leaf = tx.leaves(place).await?.pop();
        let leaf = leaf.ok_or(StoreError::Missing("leaf"))?;
        Ok(Receipt {
            id: issued.id,
            number: issued.number_text.clone(),
            result_code: issued.result_code.clone(),
            qr_text: self.qr_text(issued)?,
            document: issued.document,
            leaf_index: issued.leaf_index,
            leaf_hash: leaf.leaf.hash,
        })
    }

    /// Seals and stamps without a key, and throws the outcome away.
    async fn rehearse(
        &self,
        data: ResultData,
        grounds: Grounds,
        request: &Request,
    ) -> Result<(), IssueError> {
        /// As long as the number of a busy year.
        const SOME_NUMBER: u64 = 99_999;
        let data = if data.number().is_some() {
            data
        } else {
            with_number(data, &grounds.agency, SOME_NUMBER)
        };
        // No credential of this list is larger.
        let place = StatusPlace {
            list: grounds.list.number,
            index: grounds.list.capacity.saturating_sub(1),
        };
        let reserved = grounds.reserved(data, None, place);
        let sealed = self.rehearse_seal(&reserved)?;
        if let (Some(pdf), Some(key)) = (&request.pdf, &reserved.document_key) {
            self.rehearse_document(pdf, &reserved, key, &sealed).await?;
        }
        Ok(())
    }

    /// Gives numbers in the order of the requests, and each a free place in its status list.
    async fn numbered_together(
        &self,
        fit: Vec<(usize, Caller, Request, ResultData, Grounds)>,
    ) -> Result<Vec<Waiting>, IssueError> {
        let wanted: Vec<_> = fit
            .iter()
            .map(|(_, _, _, data, _)| {
                let year = data.issue_date().year();
                let of = || {
                    (
                        data.agency_code().to_owned(),
                        data.result_type().code.clone(),
                        year,
                    )
                };
                data.number().is_none().then(of)
            })
            .collect();
        let numbers = if wanted.iter().any(Option::is_some) {
            let wanted = &wanted;
            let taken = self.store.run(|mut tx: Tx| async move {
                let mut taken = Vec::with_capacity(wanted.len());
                for one in wanted {
                    taken.push(match one {
                        Some((agency, of, year)) => Some(tx.take_number(agency, of, *year).await?),
                        None => None,
                    });
                }
                Ok::<_, StoreError>((tx, taken))
            });
            taken.await?
        } else {
            vec![None; wanted.len()]
        };
        let mut promised = BTreeSet::new();
        let mut waiting = Vec::with_capacity(fit.len());
        for ((place, caller, request, data, grounds), number) in fit.into_iter().zip(numbers) {
            let data = match number {
                Some(number) => with_number(data, &grounds.agency, number),
                None => data,
            };
            let status = self.draw_place(&grounds.list, &promised).await?;
            promised.insert(status);
            waiting.push(Waiting {
                place,
                caller,
                request,
                reserved: grounds.reserved(data, number, status),
            });
        }
        Ok(waiting)
    }

    /// Signs them, as many at a time as there are cores, and hands them back in their order.
    async fn make_together(
        &self,
        waiting: Vec<Waiting>,
    ) -> Result<Vec<(Waiting, Result<Made, IssueError>)>, IssueError> {
        let mut working = JoinSet::new();
        for part in in_lanes(waiting.into_iter()) {
            let issuer = self.clone();
            working.spawn(async move {
                let mut done = Vec::with_capacity(part.len());
                for one in part {
                    let pdf = one.request.pdf.as_ref();
                    let made = issuer.make(&one.reserved, pdf).await;
                    done.push((one, made));
                }
                done
            });
        }
        let mut all = joined(working).await?;
        all.sort_by_key(|(one, _)| one.place);
        Ok(all)
    }

    /// Enters all of them in one transaction. Whoever met a result that another process entered meanwhile
    /// goes the way of a single request, after the others.
    async fn enter_together(
        &self,
        made: Vec<(Entry, Option<Staged>, Waiting)>,
        answers: &mut [Option<Result<Together, IssueError>>],
    ) -> Result<(), IssueError> {
        let mut entries = Vec::with_capacity(made.len());
        let mut asked = HashMap::new();
        for (entry, staged, waiting) in made {
            asked.insert(waiting.place, (waiting.caller, waiting.request, staged));
            entries.push((waiting.place, entry));
        }
        let mut aside = Vec::new();
        while !entries.is_empty() {
            let all = &entries;
            let entered = self.store.run(|mut tx: Tx| async move {
                let mut receipts = Vec::with_capacity(all.len());
                for (place, entry) in all {
                    match entry.enter(&mut tx).await {
                        Ok(receipt) => receipts.push((*place, receipt)),
                        Err(StoreError::Conflict(_)) => return Err(Undone::By(*place)),
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok((tx, receipts))
            });
            match entered.await {
                Ok(receipts) => {
                    for (place, receipt) in receipts {
                        if let Some((.., Some(staged))) = asked.remove(&place) {
                            self.keep(staged).await;
                        }
                        put(answers, place, Together::Now(receipt));
                    }
                    break;
                }
                Err(Undone::By(place)) => {
                    entries.retain(|(one, _)| *one != place);
                    aside.extend(
                        asked
                            .remove(&place)
                            .map(|(caller, request, _)| (place, caller, request)),
                    );
                }
                Err(Undone::Store(error)) => return Err(error.into()),
            }
        }
        for (place, caller, request) in aside {
            match self.alone(&caller, request).await {
                Ok(answer) => put(answers, place, answer),
                Err(error) => refuse(answers, place, error)?,
            }
        }
        Ok(())
    }

    async fn alone(&self, caller: &Caller, request: Request) -> Result<Together, IssueError> {
        let mut tx = self.store.read().await?;
        let looked = self
            .look(&mut tx, &mut Known::new(), caller, &request)
            .await?;
        drop(tx);
        if let Looked::Before(receipt) = looked {
            return Ok(Together::Before(receipt));
        }
        let alone = Request {
            once: None,
            ..request
        };
        match self.issue(caller, alone).await? {
            Outcome::Issued(receipt) => Ok(Together::Now(receipt)),
            Outcome::Replayed(_) => Err(IssueError::SelfCheck),
        }
    }
}

/// Deals items out to as many lanes as there are cores.
fn in_lanes<T>(items: impl Iterator<Item = T>) -> Vec<Vec<T>> {
    let mut lanes: Vec<Vec<T>> = Vec::new();
    lanes.resize_with(
        available_parallelism().map_or(1, NonZeroUsize::get),
        Vec::new,
    );
    let count = lanes.len();
    for (at, item) in items.enumerate() {
        if let Some(lane) = lanes.get_mut(at % count) {
            lane.push(item);
        }
    }
    lanes
}

/// What all lanes made, in no order.
async fn joined<T: 'static>(mut working: JoinSet<Vec<T>>) -> Result<Vec<T>, IssueError> {
    let mut all = Vec::new();
    while let Some(done) = working.join_next().await {
        all.extend(done.map_err(|_| IssueError::SelfCheck)?);
    }
    Ok(all)
}

/// Whether the installation is at fault, and not the request.
fn is_a_fault(error: &IssueError) -> bool {
    error.code().is_none() && !matches!(error, IssueError::Forbidden(_))
}

fn put(answers: &mut [Option<Result<Together, IssueError>>], place: usize, answer: Together) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(Ok(answer));
    }
}

/// A fault of the request is its answer; a fault of the installation ends the work.
fn refuse(
    answers: &mut [Option<Result<Together, IssueError>>],
    place: usize,
    error: IssueError,
) -> Result<(), IssueError> {
    if is_a_fault(&error) {
        return Err(error);
    }
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(Err(error));
    }
    Ok(())
}

/// Whether a request is the one that an issued result came from: every value it gives is the result's, and
/// the PDF is the same. What it leaves open (number, days) was filled when the result was issued.
async fn is_the_same(
    request: &Request,
    data: &ResultData,
    earlier: &Issued,
) -> Result<bool, IssueError> {
    let stored: Result<Map<String, Json>, _> = serde_json::from_str(earlier.data.expose());
    let Ok(stored) = stored else {
        return Ok(false);
    };
    let mut asked = data.to_json();
    let number = data.result_type().number_field.as_str();
    for open in ["issue_date", "valid_from", number] {
        let given = request.data.get(open).is_some_and(|value| match value {
            Json::Null => false,
            Json::String(text) => !text.trim().is_empty(),
            _ => true,
        });
        if !given && let Some(filled) = stored.get(open) {
            asked.insert(open.to_owned(), filled.clone());
        }
    }
    if asked != stored {
        return Ok(false);
    }
    let source = match &request.pdf {
        Some(pdf) => Some(pdf.digest().await?),
        None => None,
    };
    Ok(source == earlier.source_document)
}
