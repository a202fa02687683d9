//! The agency's own PDF: stamped, signed, and checked before it leaves.

use super::place::{self, SealWish};
use super::seal::Sealed;
use super::{IssueError, Issuer, Reserved};
use crate::catalogue;
use crate::clock::UnixTime;
use crate::credential::scan;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::key::Algorithm;
use crate::pdf::archival::Archival;
use crate::pdf::attachment::{self, Attachment};
use crate::pdf::content::Surface;
use crate::pdf::earlier::Earlier;
use crate::pdf::image::{Ground, Picture};
use crate::pdf::inspect::{Coverage, screen, signatures};
use crate::pdf::label::{CAPTION, Footer, Symbol, Words};
use crate::pdf::layout::{Spot, SymbolPlace};
use crate::pdf::signature::{self, Prepared};
use crate::pdf::stamp::{self, Appearance, Stamp};
use crate::pdf::view::Place;
use crate::pdf::{Document, PdfError, Update};
use crate::pki::cms::{self, CmsOutcome, SignedData};
use crate::pki::{Certificate, Chain, Hash};
use crate::qr::render;
use crate::signer::SigningIdentity;
use crate::store::Key;
use crate::store::documents::{Draft, Original};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands on every paper of an installation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Imprint {
    /// The host that the QR names, `qr.vidu.test`.
    pub host: String,
    /// Name of the information system.
    pub system: String,
    /// Its owner (NĐ 45/2020 Đ18.2b).
    pub owner: String,
}

/// Bytes left for a time stamp with its certificates; those of public authorities have 2,000 to 7,000.
const TOKEN: usize = 10_000;

/// Diameter of a seal whose agency has not said its own, in millimetres.
const SEAL_MM: f64 = 35.0;

/// Everything that is needed to prepare the document, apart from the register and the keys.
pub(super) struct Preparation {
    id: ResultId,
    qr_text: String,
    credential: Vec<u8>,
    path: Vec<u8>,
    modules: u32,
    imprint: Imprint,
    symbol: SymbolPlace,
    seal: catalogue::SealPlace,
    footer: Option<Spot>,
    signatory: String,
    position: String,
    picture: Option<(Arc<Picture>, f64)>,
    signer: String,
    reason: String,
    at: UnixTime,
    space: usize,
}

impl Issuer {
    /// Stamps symbol and footer, places the seal, signs as the agency.
    pub(super) async fn stamp_and_sign(
        &self,
        mut draft: Draft,
        reserved: &Reserved,
        key: &Key,
        sealed: &Sealed,
    ) -> Result<Draft, IssueError> {
        let identity = self.identity(key).await?;
        let space = self.space(identity.chain(), identity.algorithm())?;
        let mut wanted = self.preparation(reserved, sealed, space).await?;
        let mut next = Some(Turn::First);
        while let Some(turn) = next {
            // Parsing and drawing take milliseconds to seconds: not on a thread that serves.
            let work = move || {
                let opened = draft.document();
                let prepared = opened.map_err(IssueError::from);
                let prepared = prepared.and_then(|document| prepare(&wanted, &document, turn));
                (prepared, wanted, draft)
            };
            let done = tokio::task::spawn_blocking(work).await;
            let (prepared, given_back, so_far) = done.map_err(|_| IssueError::SelfCheck)?;
            (wanted, draft) = (given_back, so_far);
            let Some((prepared, after)) = prepared? else {
                break;
            };
            let tail = self.sign(&identity, prepared).await?;
            draft = draft.appended(tail).await?;
            next = after;
        }
        let checked = tokio::task::spawn_blocking(move || self_check(&draft).map(|()| draft));
        checked.await.map_err(|_| IssueError::SelfCheck)?
    }

    /// Opens and stamps the PDF without a key and throws the outcome away. Of a file that was signed before,
    /// the first of its further signatures.
    pub(super) async fn rehearse_document(
        &self,
        pdf: &Original,
        reserved: &Reserved,
        key: &Key,
        sealed: &Sealed,
    ) -> Result<(), IssueError> {
        self.takes(pdf)?;
        let space = self.space(&chain(key)?, key.public.algorithm())?;
        let wanted = self.preparation(reserved, sealed, space).await?;
        let pdf = pdf.at_hand().await?;
        let rehearsed = tokio::task::spawn_blocking(move || {
            prepare(&wanted, &pdf.document()?, Turn::First).map(drop)
        });
        rehearsed.await.map_err(|_| IssueError::SelfCheck)?
    }

    /// Bytes to leave for a signature, with its time stamp where there is to be one.
    fn space(&self, chain: &Chain, algorithm: Algorithm) -> Result<usize, IssueError> {
        let space = match self.stamps {
            Some(_) => cms::size_bound_stamped(chain, algorithm, TOKEN),
            None => cms::size_bound(chain, algorithm),
        };
        space.map_err(|_| IssueError::Certificates)
    }

    /// The tail of the document with its signature: what stands before it is the agency's, byte for byte.
    async fn sign(
        &self,
        identity: &SigningIdentity,
        prepared: Prepared,
    ) -> Result<Vec<u8>, IssueError> {
        let signing = cms::Signing::new(identity.chain(), prepared.digest(), identity.algorithm());
        let signing = signing.map_err(|_| IssueError::Certificates)?;
        let signature = identity.signer().sign(&signing.to_be_signed()).await?;
        let signed = signing
            .signed(&signature)
            .map_err(|_| IssueError::Certificates)?;
        let token = match &self.stamps {
            Some(stamps) => {
                let digest = Hash::Sha256.of(&[signed.value()]);
                Some(stamps.stamp(Hash::Sha256, &digest).await?.0)
            }
            None => None,
        };
        Ok(prepared.fill(&signed.der(token.as_ref()))?)
    }

    pub(super) async fn identity(&self, key: &Key) -> Result<SigningIdentity, IssueError> {
        let chain = chain(key)?;
        let signer = self.keys.signer(&key.file, &key.public).await?;
        SigningIdentity::new(chain, signer).map_err(|_| IssueError::Certificates)
    }

    pub(super) async fn preparation(
        &self,
        reserved: &Reserved,
        sealed: &Sealed,
        space: usize,
    ) -> Result<Preparation, IssueError> {
        let result_type = reserved.data.result_type();
        let picture = match reserved.agency.seal {
            Some(seal) => {
                let millimetres = match seal.diameter_tenths_mm {
                    0 => SEAL_MM,
                    tenths => f64::from(tenths) / 10.0,
                };
                Some((self.seal_picture(seal.image).await?, millimetres))
            }
            None => None,
        };
        let text = |name| reserved.data.text(name).unwrap_or_default().to_owned();
        Ok(Preparation {
            id: sealed.id,
            qr_text: sealed.qr_text.clone(),
            credential: sealed.credential.clone(),
            path: render::pdf_path(&sealed.symbol),
            modules: render::side(&sealed.symbol),
            imprint: self.imprint.as_ref().clone(),
            symbol: place::symbol(result_type),
            seal: result_type.seal.clone(),
            footer: result_type.footer.as_ref().map(place::footer),
            signatory: text("signatory"),
            position: text("signatory_position"),
            picture,
            signer: reserved.agency.name_vi.clone(),
            reason: format!("Ban hành kết quả {}", reserved.data.result_code()),
            at: reserved.at,
            space,
        })
    }
}

impl Issuer {
    /// The picture of a seal, read and packed when it is first needed.
    async fn seal_picture(&self, image: Sha256) -> Result<Arc<Picture>, IssueError> {
        let held = |seals: &Seals| {
            seals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&image)
                .cloned()
        };
        if let Some(known) = held(&self.seals) {
            return Ok(known);
        }
        let png = self
            .documents
            .get(image)
            .await?
            .ok_or(IssueError::SealMissing)?;
        let picture = Arc::new(Picture::seal(&png)?);
        let mut seals = self.seals.lock().unwrap_or_else(PoisonError::into_inner);
        seals.insert(image, Arc::clone(&picture));
        Ok(picture)
    }
}

fn chain(key: &Key) -> Result<Chain, IssueError> {
    let certificates = Certificate::read_all(key.chain_pem.as_bytes());
    let certificates = certificates.map_err(|_| IssueError::Certificates)?;
    Chain::new(certificates).map_err(|_| IssueError::Certificates)
}

/// Pictures of seals by their digests. A map of finished pictures is whole whenever its lock is given back.
pub type Seals = Arc<Mutex<HashMap<Sha256, Arc<Picture>>>>;

/// Which of the agency's signatures is prepared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Turn {
    /// The only one; in a file that was signed before, the one that shows the symbol.
    First,
    /// In a file that was signed before: the one that shows the seal.
    Seal,
}

/// A prepared signature, and what is to be prepared once it is there.
pub(super) type Step = (Prepared, Option<Turn>);

/// One signature of the agency; `None` if there is nothing for it to show.
pub(super) fn prepare(
    wanted: &Preparation,
    document: &Document<'_>,
    turn: Turn,
) -> Result<Option<Step>, IssueError> {
    match (turn, screen(document)) {
        (Turn::First, Ok(())) => stamp_page(document, wanted).map(|one| Some((one, None))),
        (Turn::First, Err(PdfError::AlreadySigned)) => {
            let earlier = intact(document)?;
            let symbol = add_symbol(document, wanted, &earlier)?;
            let next = wanted.picture.as_ref().map(|_| Turn::Seal);
            Ok(Some((symbol, next)))
        }
        (Turn::First, Err(error)) => Err(error.into()),
        (Turn::Seal, _) => {
            let seal = add_seal(document, wanted, &Earlier::read(document)?)?;
            Ok(seal.map(|one| (one, None)))
        }
    }
}

/// The signatures of a file that gets a further one, each of them holding for its bytes. Who made them is not
/// asked: this agency vouches for its own.
fn intact(document: &Document<'_>) -> Result<Earlier, IssueError> {
    let earlier = Earlier::read(document)?;
    for signature in &earlier.signatures {
        let ours = signature.contact.as_deref().map(scan::parse);
        if ours.is_some_and(|parsed| parsed.is_ok()) {
            return Err(IssueError::AlreadyIssued);
        }
        // Others sign a digest of a digest, or a time stamp that says it.
        let detached = ["ETSI.CAdES.detached", "adbe.pkcs7.detached"];
        if !detached.contains(&signature.sub_filter.as_str()) {
            continue;
        }
        let parts = signature.covered(document);
        let parts = parts.ok_or(PdfError::SignatureBroken)?;
        let cms = SignedData::parse(signature.cms()).map_err(|_| PdfError::SignatureBroken)?;
        match cms.check_content(&parts).outcome {
            CmsOutcome::DigestMismatch
            | CmsOutcome::BadSignature
            | CmsOutcome::CertificateMismatch => return Err(PdfError::SignatureBroken.into()),
            CmsOutcome::Intact
            | CmsOutcome::NoSignerCertificate
            | CmsOutcome::IncompleteAttributes
            | CmsOutcome::Unsupported(_) => {}
        }
    }
    Ok(earlier)
}

impl Preparation {
    fn stamp<'a>(&'a self, keep_free: &'a [Place]) -> Stamp<'a> {
        Stamp {
            symbol: Symbol {
                path: &self.path,
                modules: self.modules,
            },
            words: Words {
                code: self.id,
                host: &self.imprint.host,
                caption: &CAPTION,
            },
            place: &self.symbol,
            footer: Some(Footer {
                system: &self.imprint.system,
                owner: &self.imprint.owner,
                spot: self.footer,
            }),
            keep_free,
        }
    }

    fn seal_wish(&self, diameter: f64) -> SealWish<'_> {
        SealWish {
            signatory: &self.signatory,
            position: &self.position,
            spot: &self.seal,
            diameter,
        }
    }

    /// Signs in a place of the form, showing something or nothing.
    fn sign_in(
        &self,
        mut update: Update<'_>,
        place: signature::Place<'_>,
        appearance: Option<Appearance>,
    ) -> Result<Prepared, IssueError> {
        let request = signature::Request {
            place,
            appearance: appearance.map(|shown| shown.form),
            signed_at: self.at,
            signer: Some(&self.signer),
            reason: Some(&self.reason),
            location: None,
            contact: Some(&self.qr_text),
            space: self.space,
        };
        let placeholder = signature::add(&mut update, &request)?;
        Ok(signature::prepare(update, placeholder)?)
    }

    fn seal_field(&self) -> String {
        format!("DauSo{}", self.id)
    }
}

/// Symbol, footer, seal and signature dictionary in one update of a file that nobody signed yet.
fn stamp_page(document: &Document<'_>, wanted: &Preparation) -> Result<Prepared, IssueError> {
    let mut update = Update::new(document)?;
    let first = document.page(0)?;
    let surface = Surface::read(document, &first)?;
    let archival = Archival::of(document)?;
    let empty = signature::empty_fields(document)?;
    // The form brought its own field: that one is signed, no second one is added.
    let field = empty.first().filter(|_| empty.len() == 1);
    let seal = match &wanted.picture {
        Some((picture, diameter)) => {
            let wish = wanted.seal_wish(*diameter);
            let found = match field.and_then(|field| field.page) {
                Some(page) => place::seal_on(document, &wish, page)?.map(|place| (page, place)),
                None => place::seal(document, &surface, &wish)?,
            };
            found.map(|(page, place)| (picture, page, place))
        }
        None => None,
    };
    let on_first: Vec<Place> = seal
        .iter()
        .filter(|(_, page, _)| *page == 0)
        .map(|(.., place)| *place)
        .collect();
    stamp::compose_on(&mut update, &first, &surface, &wanted.stamp(&on_first))?;
    if archival.allows_files() {
        attachment::attach(
            &mut update,
            &Attachment {
                name: &attachment::credential_name(wanted.id),
                description: "Bản ghi đã ký trong mã QR (signed record of the QR)",
                media_type: "application/cose",
                at: wanted.at,
                // Without the byte that says the version of the text in the QR: this is COSE for anybody.
                data: wanted.credential.get(1..).unwrap_or_default(),
            },
        )?;
    }
    let (page, shown) = match &seal {
        Some((picture, index, place)) => {
            let page = document.page(*index)?;
            let ground = ground(archival);
            let pictures = [(*place, picture.as_ref())];
            let shown = stamp::appearance(&mut update, &page, *place, &pictures, ground)?;
            (*index, Some(shown))
        }
        None => (0, None),
    };
    let rect = shown.map(|shown| shown.rect);
    let new = wanted.seal_field();
    let place = match field {
        Some(field) => signature::Place::Existing {
            field: &field.name,
            rect: rect.filter(|_| field.page.is_some()),
        },
        None => signature::Place::New {
            field: &new,
            page,
            rect: rect.unwrap_or_default(),
        },
    };
    wanted.sign_in(update, place, shown)
}

fn ground(archival: Archival) -> Ground {
    if archival.allows_transparency() {
        Ground::Soft
    } else {
        Ground::Stencil
    }
}

/// A signature that shows the symbol. The page keeps its content, for others signed it.
fn add_symbol(
    document: &Document<'_>,
    wanted: &Preparation,
    earlier: &Earlier,
) -> Result<Prepared, IssueError> {
    let field = format!("MaQR{}", wanted.id);
    earlier.allows(&field)?;
    let mut update = Update::new(document)?;
    let first = document.page(0)?;
    // Where the seal will go the symbol must not be.
    let seal = match &wanted.picture {
        Some((_, diameter)) => place::further_seal(document, &wanted.seal_wish(*diameter))?,
        None => None,
    };
    let on_first: Vec<Place> = seal
        .into_iter()
        .filter(|(page, _)| *page == 0)
        .map(|(_, place)| place)
        .collect();
    let (_, shown) = stamp::label_appearance(&mut update, &first, &wanted.stamp(&on_first))?;
    let place = signature::Place::New {
        field: &field,
        page: 0,
        rect: shown.rect,
    };
    wanted.sign_in(update, place, Some(shown))
}

/// A signature that shows the seal: in an empty field that has room for it, else in one of its own. `None` if
/// there is no place for it, or a seal stands there already.
fn add_seal(
    document: &Document<'_>,
    wanted: &Preparation,
    earlier: &Earlier,
) -> Result<Option<Prepared>, IssueError> {
    let Some((picture, diameter)) = &wanted.picture else {
        return Ok(None);
    };
    let mut update = Update::new(document)?;
    let ground = ground(Archival::of(document)?);
    let empty = signature::empty_fields(document)?;
    if let [field] = empty.as_slice()
        && let Some(index) = field.page
        && let Some((room, seal)) = place::within(document, index, field.rect, *diameter)?
    {
        earlier.allows(&field.name)?;
        let page = document.page(index)?;
        let pictures = [(seal, picture.as_ref())];
        let shown = stamp::appearance(&mut update, &page, room, &pictures, ground)?;
        let place = signature::Place::Existing {
            field: &field.name,
            rect: None,
        };
        return wanted.sign_in(update, place, Some(shown)).map(Some);
    }
    let wish = wanted.seal_wish(*diameter);
    let Some((index, place)) = place::further_seal(document, &wish)? else {
        return Ok(None);
    };
    let field = wanted.seal_field();
    earlier.allows(&field)?;
    let page = document.page(index)?;
    let pictures = [(place, picture.as_ref())];
    let shown = stamp::appearance(&mut update, &page, place, &pictures, ground)?;
    let place = signature::Place::New {
        field: &field,
        page: index,
        rect: shown.rect,
    };
    wanted.sign_in(update, place, Some(shown)).map(Some)
}

/// What leaves must hold against the reader that checks other people's files.
fn self_check(signed: &Draft) -> Result<(), IssueError> {
    let document = signed.document().map_err(|_| IssueError::SelfCheck)?;
    let fields = signatures(&document).map_err(|_| IssueError::SelfCheck)?;
    let last = fields.last().ok_or(IssueError::SelfCheck)?;
    let parts = last.covered(&document).ok_or(IssueError::SelfCheck)?;
    let cms = SignedData::parse(last.cms()).map_err(|_| IssueError::SelfCheck)?;
    let intact = cms.check_content(&parts).outcome == CmsOutcome::Intact;
    if intact && last.coverage == Coverage::WholeFile {
        Ok(())
    } else {
        Err(IssueError::SelfCheck)
    }
}
