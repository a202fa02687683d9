//! What people open: home, landing page, the answer about a file. Thin: the pages themselves are in
//! `pages`, the answers in `verification`.

use super::extract::{Form, Query};
use super::pages::{
    self, CheckKey, Checked, CodeCheck, Erratum, Fact, FactKind, Home, HomeMessage, Input,
    Knowledge, Landing, NotFound, ProblemPage, Signed, Status, StatusDetail, Subject, Visit,
};
use super::problem::Problem;
use super::state::Service;
use crate::catalogue::{FieldKind, Label, Language, Matched};
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::limits;
use crate::report::State as ResultState;
use crate::store::{Key, Purpose, TypeScope};
use crate::verification::{
    Answered, FileError, FileKind, Known, Notice, Shown, ShownField, VerifyError, Viewer,
};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Asked {
    lang: Option<String>,
    ma: Option<String>,
}

impl Asked {
    fn language(&self) -> Language {
        pages::asked_language(self.lang.as_deref())
    }
}

fn visit(service: &Service, language: Language) -> Visit<'_> {
    Visit {
        site: &service.site,
        language,
        now: service.clock.now(),
    }
}

/// A page with the policy that goes with all of them.
pub(super) fn page(status: StatusCode, html: String) -> Response {
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(pages::csp()),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// To the page of a code, in the language it was asked for in.
fn to_landing(id: ResultId, language: Language) -> Response {
    let asked = if language == Language::En {
        "?lang=en"
    } else {
        ""
    };
    Redirect::to(&format!("/{id}{asked}")).into_response()
}

/// `GET /`, also with a typed look-up code.
pub(super) async fn home(State(service): State<Service>, Query(asked): Query<Asked>) -> Response {
    let language = asked.language();
    let message = match asked.ma.as_deref() {
        None => None,
        Some(typed) => match ResultId::parse_typed(typed) {
            Ok(id) => return to_landing(id, language),
            Err(_) => Some(HomeMessage::CodeMisspelled(typed.to_owned())),
        },
    };
    page(
        StatusCode::OK,
        Home { message }.render(visit(&service, language)),
    )
}

/// `GET /{id}`: the page, or the report by `Accept`.
pub(super) async fn landing(
    State(service): State<Service>,
    Path(code): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wants_json = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    let language = asked.language();
    let visit = visit(&service, language);
    let Ok(id) = ResultId::parse(&code) else {
        if let Ok(id) = ResultId::parse_typed(&code) {
            return Ok(to_landing(id, language));
        }
        let problem = pages::Problem::NoPage;
        let html = ProblemPage {
            problem,
            reference: None,
        }
        .render(visit);
        return Ok(if wants_json {
            super::api::unknown_result().into_response()
        } else {
            page(StatusCode::NOT_FOUND, html)
        });
    };
    let question = service.verifier.now(Viewer::Public);
    // Asked together, both are answered by one group.
    let (found, keys) = tokio::join!(
        service.verifier.look_up(id, question),
        service.reader.keys()
    );
    let (found, keys) = (found?, keys?);
    Ok(match found {
        None if wants_json => super::api::unknown_result().into_response(),
        None => page(StatusCode::NOT_FOUND, NotFound { id }.render(visit)),
        Some((answered, _)) if wants_json => {
            let mut response = super::api::json(answered.to_text());
            response
                .headers_mut()
                .insert(header::VARY, HeaderValue::from_static("Accept"));
            response
        }
        Some((answered, known)) => {
            let check = code_check(&service, &known, &keys);
            let html = landing_page(id, &answered, check, language).render(visit);
            page(StatusCode::OK, html)
        }
    })
}

/// `POST /`: a file from somebody without an app.
pub(super) async fn check_file(
    State(service): State<Service>,
    Query(asked): Query<Asked>,
    form: Result<Form, Problem>,
) -> Response {
    let refuse = |language, status, problem| {
        let html = ProblemPage {
            problem,
            reference: None,
        }
        .render(visit(&service, language));
        page(status, html)
    };
    let mut form = match form {
        Ok(form) => form,
        Err(problem) if problem.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let megabytes = (limits::PDF_FILE >> 20) as u64;
            let too_large = pages::Problem::TooLarge { megabytes };
            return refuse(asked.language(), StatusCode::PAYLOAD_TOO_LARGE, too_large);
        }
        Err(problem) => {
            return refuse(
                asked.language(),
                problem.status(),
                pages::Problem::Unreadable,
            );
        }
    };
    let chosen = form
        .take("lang")
        .and_then(|lang| String::from_utf8(lang).ok());
    let language = pages::asked_language(chosen.as_deref().or(asked.lang.as_deref()));
    let bytes = form.take("tep").unwrap_or_default();
    if bytes.is_empty() {
        let message = Some(HomeMessage::FileMissing);
        let html = Home { message }.render(visit(&service, language));
        return page(StatusCode::UNPROCESSABLE_ENTITY, html);
    }
    let input = match FileKind::of(&bytes) {
        Ok(FileKind::Document) => Input::Document,
        _ => Input::Picture,
    };
    let question = service.verifier.now(Viewer::Public);
    match service.verifier.file(bytes, question).await {
        Ok(answered) => {
            let html = checked_page(input, &answered, language).render(visit(&service, language));
            page(StatusCode::OK, html)
        }
        Err(VerifyError::File(error)) => {
            let problem = match error {
                FileError::Picture(_) => pages::Problem::NoCode,
                FileError::UnknownKind | FileError::Pdf(_) => pages::Problem::Unreadable,
            };
            refuse(language, StatusCode::UNPROCESSABLE_ENTITY, problem)
        }
        Err(error) => {
            let problem = Problem::from(error);
            refuse(language, problem.status(), pages::Problem::Internal)
        }
    }
}

/// What the page's script compares the code with.
fn code_check(service: &Service, known: &Known, keys: &[Key]) -> CodeCheck {
    let issued = &known.stored().issued;
    let all: Vec<u32> = service
        .issuer
        .catalogue
        .types()
        .iter()
        .map(|known| known.number)
        .collect();
    let own = keys.iter().filter(|key| {
        key.purpose == Purpose::Credential && key.agency.as_deref() == Some(&issued.agency)
    });
    CodeCheck {
        keys: own
            .map(|key| CheckKey {
                issuer: known.entry.agency.issuer.clone(),
                not_before: key.not_before,
                not_after: key
                    .retired_at
                    .map_or(key.not_after, |at| at.min(key.not_after)),
                types: match &key.types {
                    TypeScope::Every => all.clone(),
                    TypeScope::Only(numbers) => numbers.clone(),
                },
                key: key.public.clone(),
            })
            .collect(),
        credential: Sha256::of(&issued.credential),
    }
}

fn landing_page(
    id: ResultId,
    answered: &Answered,
    check: CodeCheck,
    language: Language,
) -> Landing {
    let report = &answered.report;
    let shown = answered.shown.as_ref();
    let knowledge = report.as_of().map_or(Knowledge::None, Knowledge::Register);
    let facts = shown
        .map(|shown| facts(shown, language))
        .unwrap_or_default();
    Landing {
        id,
        agency: shown.map_or_else(empty, |shown| shown.agency.clone()),
        document: shown.map_or_else(empty, document_name),
        number: shown.map(|shown| shown.number.as_str().into()),
        status: Status {
            state: report.state().unwrap_or(ResultState::Undecided),
            knowledge,
            detail: shown
                .map(|shown| detail(shown, language))
                .unwrap_or_default(),
        },
        subject: shown.map_or(Subject::Nothing, |shown| subject(&shown.fields)),
        facts,
        errata: shown
            .map(|shown| shown.errata.iter().map(erratum).collect())
            .unwrap_or_default(),
        predecessor: shown.and_then(|shown| shown.predecessor),
        telephone: shown
            .and_then(|shown| shown.phone.as_deref())
            .map(Into::into),
        check: Some(check),
    }
}

fn checked_page(input: Input, answered: &Answered, language: Language) -> Checked {
    let shown = answered.shown.as_ref();
    Checked {
        input,
        report: answered.report.clone(),
        status: shown
            .map(|shown| detail(shown, language))
            .unwrap_or_default(),
        id: shown.and(answered.id),
        signed: shown.map(|shown| Signed {
            agency: shown.agency.clone(),
            document: document_name(shown),
            subject: subject(&shown.fields),
            facts: facts(shown, language),
        }),
        claimed: answered
            .claimed
            .iter()
            .map(|field| fact(field, language))
            .collect(),
    }
}

fn empty() -> Label {
    Label {
        vi: String::new(),
        en: String::new(),
    }
}

/// "Phù hiệu xe hợp đồng": the label, and what says it more precisely where the type has that.
fn document_name(shown: &Shown) -> Label {
    match &shown.title {
        Some(title) => Label {
            vi: format!("{} – {title}", shown.label.vi),
            en: format!("{} – {title}", shown.label.en),
        },
        None => shown.label.clone(),
    }
}

fn detail(shown: &Shown, language: Language) -> StatusDetail {
    let hours = shown
        .fields
        .iter()
        .find(|field| field.kind == FieldKind::TimeWindows);
    let change = shown.change.as_ref();
    StatusDetail {
        valid_from: Some(shown.valid_from),
        valid_to: shown.valid_to,
        since: change.map(|change| change.at.local_date()),
        until: change.and_then(|change| change.until),
        decision: change.map(|change| change.decision.as_str().into()),
        authority: change.map(|change| change.authority.as_str().into()),
        reason: change.and_then(|change| Some(change.reason.as_deref()?.into())),
        kind: change.map(|change| change.kind),
        successor: shown.successor,
        hours: hours.map(|field| field.value.of(language).into()),
    }
}

fn erratum(notice: &Notice) -> Erratum {
    Erratum {
        at: notice.at.local_date(),
        reason: notice.reason.as_str().into(),
        decision: notice.decision.as_str().into(),
        authority: notice.authority.as_str().into(),
    }
}

/// The fields in display order, then the days of validity.
fn facts(shown: &Shown, language: Language) -> Vec<Fact> {
    let fields = shown.fields.iter().map(|field| fact(field, language));
    let validity = Fact::validity(shown.valid_from, shown.valid_to, language);
    fields.chain([validity]).collect()
}

fn fact(field: &ShownField, language: Language) -> Fact {
    Fact {
        label: field.label.of(language).into(),
        value: field.value.of(language).into(),
        kind: match field.kind {
            FieldKind::Text | FieldKind::Texts => FactKind::Words,
            _ => FactKind::Figures,
        },
    }
}

/// What the reader compares: plates before persons before businesses before places.
fn subject(fields: &[ShownField]) -> Subject {
    let values = |wanted: Matched| -> Vec<pages::Shown> {
        let matched = fields.iter().filter(|field| field.matched == Some(wanted));
        matched
            .flat_map(|field| field.value.vi.lines().map(Into::into))
            .collect()
    };
    let plates = values(Matched::Plate);
    if !plates.is_empty() {
        return Subject::Plates(plates);
    }
    let first = |wanted| values(wanted).into_iter().next();
    first(Matched::Person)
        .map(Subject::Person)
        .or_else(|| first(Matched::Organisation).map(Subject::Organisation))
        .or_else(|| first(Matched::Site).map(Subject::Site))
        .unwrap_or(Subject::Content)
}
