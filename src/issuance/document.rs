//! The agency's own PDF: stamped, signed, and checked before it leaves.

use super::seal::Sealed;
use super::{IssueError, Issuer, Reserved};
use crate::catalogue::{self, PageChoice, ResultType};
use crate::clock::UnixTime;
use crate::digest::Sha256;
use crate::id::ResultId;
use crate::pdf::content::Surface;
use crate::pdf::image::Picture;
use crate::pdf::inspect::{Coverage, screen, signatures};
use crate::pdf::label::{CAPTION, Footer, Symbol, Words};
use crate::pdf::layout::{self, Corner, Spot, SymbolPlace};
use crate::pdf::signatory;
use crate::pdf::signature::{self, Prepared};
use crate::pdf::stamp::{self, Stamp};
use crate::pdf::view::{Place, View};
use crate::pdf::{Document, Update};
use crate::pki::cms::{self, CmsOutcome, SignedData};
use crate::pki::{Certificate, Chain};
use crate::qr::render;
use crate::signer::SigningIdentity;
use crate::store::Key;
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

/// Diameter of a seal whose agency has not said its own, in millimetres.
const SEAL_MM: f64 = 35.0;

/// Everything that is needed to prepare the document, apart from the register and the keys.
struct Preparation {
    pdf: Vec<u8>,
    id: ResultId,
    qr_text: String,
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
        pdf: &[u8],
        reserved: &Reserved,
        key: &Key,
        sealed: &Sealed,
    ) -> Result<Vec<u8>, IssueError> {
        let identity = self.identity(key).await?;
        let space = cms::size_bound(identity.chain(), identity.algorithm());
        let space = space.map_err(|_| IssueError::Certificates)?;
        let preparation = self.preparation(pdf, reserved, sealed, space).await?;
        // Parsing and drawing take milliseconds to seconds: not on a thread that serves.
        let prepared = tokio::task::spawn_blocking(move || prepare(&preparation));
        let prepared = prepared.await.map_err(|_| IssueError::SelfCheck)??;
        let tail = sign(&identity, prepared).await?;
        let signed = [pdf, &tail].concat();
        self_check(&signed)?;
        Ok(signed)
    }

    /// Opens and stamps the PDF without a key and throws the outcome away.
    pub(super) async fn rehearse_document(
        &self,
        pdf: &[u8],
        reserved: &Reserved,
        key: &Key,
        sealed: &Sealed,
    ) -> Result<(), IssueError> {
        let space = cms::size_bound(&chain(key)?, key.public.algorithm());
        let space = space.map_err(|_| IssueError::Certificates)?;
        let preparation = self.preparation(pdf, reserved, sealed, space).await?;
        let prepared = tokio::task::spawn_blocking(move || prepare(&preparation).map(drop));
        prepared.await.map_err(|_| IssueError::SelfCheck)?
    }

    async fn identity(&self, key: &Key) -> Result<SigningIdentity, IssueError> {
        let chain = chain(key)?;
        let signer = self.keys.signer(&key.file, &key.public).await?;
        SigningIdentity::new(chain, signer).map_err(|_| IssueError::Certificates)
    }

    async fn preparation(
        &self,
        pdf: &[u8],
        reserved: &Reserved,
        sealed: &Sealed,
        space: usize,
    ) -> Result<Preparation, IssueError> {
        let result_type = reserved.data.result_type();
        let picture = match reserved.agency.seal {
            Some(seal) => {
                let millimetres = f64::from(seal.diameter_tenths_mm) / 10.0;
                Some((self.seal_picture(seal.image).await?, millimetres))
            }
            None => None,
        };
        let text = |name| reserved.data.text(name).unwrap_or_default().to_owned();
        Ok(Preparation {
            pdf: pdf.to_vec(),
            id: sealed.id,
            qr_text: sealed.qr_text.clone(),
            path: render::pdf_path(&sealed.symbol),
            modules: render::side(&sealed.symbol),
            imprint: self.imprint.as_ref().clone(),
            symbol: symbol_place(result_type),
            seal: result_type.seal.clone(),
            footer: result_type.footer.as_ref().map(footer_spot),
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

fn symbol_place(result_type: &ResultType) -> SymbolPlace {
    let wanted = &result_type.symbol;
    let spot = |corner| Spot {
        corner: place_corner(corner),
        across: wanted.x_mm,
        down: wanted.y_mm,
    };
    SymbolPlace {
        spot: spot(wanted.corner),
        width: wanted.width_mm,
        alternatives: wanted.alternatives.iter().copied().map(spot).collect(),
    }
}

fn footer_spot(wanted: &catalogue::FooterPlace) -> Spot {
    Spot {
        corner: place_corner(wanted.corner),
        across: wanted.x_mm,
        down: wanted.y_mm,
    }
}

fn place_corner(corner: catalogue::Corner) -> Corner {
    match corner {
        catalogue::Corner::UpperLeft => Corner::UpperLeft,
        catalogue::Corner::UpperRight => Corner::UpperRight,
        catalogue::Corner::LowerLeft => Corner::LowerLeft,
        catalogue::Corner::LowerRight => Corner::LowerRight,
    }
}

/// Stamp and signature dictionary in one update.
fn prepare(wanted: &Preparation) -> Result<Prepared, IssueError> {
    let document = Document::open(&wanted.pdf)?;
    screen(&document)?;
    let mut update = Update::new(&document)?;
    let first = document.page(0)?;
    let seal = match &wanted.picture {
        Some((picture, diameter)) => {
            let found = seal_place(&document, wanted, *diameter)?;
            found.map(|(page, place)| (picture, page, place))
        }
        None => None,
    };
    let on_first: Vec<Place> = seal
        .iter()
        .filter(|(_, page, _)| *page == 0)
        .map(|(.., place)| *place)
        .collect();
    let stamp = Stamp {
        symbol: Symbol {
            path: &wanted.path,
            modules: wanted.modules,
        },
        words: Words {
            code: wanted.id,
            host: &wanted.imprint.host,
            caption: &CAPTION,
        },
        place: &wanted.symbol,
        footer: Some(Footer {
            system: &wanted.imprint.system,
            owner: &wanted.imprint.owner,
            spot: wanted.footer,
        }),
        keep_free: &on_first,
    };
    stamp::compose(&mut update, &first, &stamp)?;
    let (page, rect, appearance) = match &seal {
        Some((picture, index, place)) => {
            let page = document.page(*index)?;
            let shown = stamp::appearance(&mut update, &page, *place, &[(*place, picture)])?;
            (*index, shown.rect, Some(shown.form))
        }
        None => (0, [0.0; 4], None),
    };
    let field = format!("DauSo{}", wanted.id);
    let empty = signature::empty_fields(&document)?;
    let place = match empty.first() {
        // The form brought its own field: that one is signed, no second one is added.
        Some(field) if empty.len() == 1 => signature::Place::Existing {
            field: &field.name,
            rect: appearance.is_some().then_some(rect),
        },
        _ => signature::Place::New {
            field: &field,
            page,
            rect,
        },
    };
    let request = signature::Request {
        place,
        appearance,
        signed_at: wanted.at,
        signer: Some(&wanted.signer),
        reason: Some(&wanted.reason),
        location: None,
        contact: Some(&wanted.qr_text),
        space: wanted.space,
    };
    let placeholder = signature::add(&mut update, &request)?;
    Ok(signature::prepare(update, placeholder)?)
}

/// Between position and name of the signatory where those are found, else where the catalogue says, else
/// the free place nearest to the lower right of that page. A page without one shows no seal: the signature
/// is there all the same, and nothing is ever printed over.
fn seal_place(
    document: &Document<'_>,
    wanted: &Preparation,
    diameter: f64,
) -> Result<Option<(usize, Place)>, IssueError> {
    let diameter = if diameter > 0.0 { diameter } else { SEAL_MM };
    let found = signatory::find_signature_gap(document, &wanted.signatory, &wanted.position)?;
    if let Some((index, gap)) = found {
        let view = Surface::read(document, &document.page(index)?)?.view;
        return Ok(Some((index, signatory::seal_alone(&view, gap, diameter))));
    }
    let index = match wanted.seal.page {
        PageChoice::First => 0,
        PageChoice::Last => document.page_references()?.len().saturating_sub(1),
    };
    let surface = Surface::read(document, &document.page(index)?)?;
    let told = centred_at(&surface.view, &wanted.seal, diameter);
    let mut places = std::iter::once(told).chain(from_lower_right(&surface.view, diameter));
    let free = places.find_map(|place| layout::free(&surface, place, &[]).ok());
    Ok(free.map(|place| (index, place)))
}

/// Places for a seal in steps of 5 mm within the margins, row by row from the lower right.
fn from_lower_right(view: &View, diameter: f64) -> impl Iterator<Item = Place> {
    const MARGIN: f64 = 15.0;
    const STEPS: u32 = 80;
    let (right, low) = (
        view.width - MARGIN - diameter,
        view.height - MARGIN - diameter,
    );
    let back = |step: u32| 5.0 * f64::from(step);
    (0..STEPS)
        .flat_map(move |row| (0..STEPS).map(move |column| (right - back(column), low - back(row))))
        .filter(|(x, y)| *x >= MARGIN && *y >= MARGIN)
        .map(move |(x, y)| Place {
            x,
            y,
            width: diameter,
            height: diameter,
        })
}

fn centred_at(view: &View, seal: &catalogue::SealPlace, diameter: f64) -> Place {
    let half = diameter / 2.0;
    let spot = Spot {
        corner: place_corner(seal.corner),
        across: seal.x_mm - half,
        down: seal.y_mm - half,
    };
    spot.place(view, (diameter, diameter))
}

/// The tail of the document with its signature: what stands before it is the agency's, byte for byte.
async fn sign(identity: &SigningIdentity, prepared: Prepared) -> Result<Vec<u8>, IssueError> {
    let signing = cms::Signing::new(identity.chain(), prepared.digest(), identity.algorithm());
    let signing = signing.map_err(|_| IssueError::Certificates)?;
    let signature = identity.signer().sign(&signing.to_be_signed()).await?;
    let cms = signing
        .assemble(&signature)
        .map_err(|_| IssueError::Certificates)?;
    Ok(prepared.fill(&cms)?)
}

/// What leaves must hold against the reader that checks other people's files.
fn self_check(signed: &[u8]) -> Result<(), IssueError> {
    let document = Document::open(signed).map_err(|_| IssueError::SelfCheck)?;
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
