//! PDF files of any size: pages with a line of text and a scan, as agencies' attachments are.

use std::io::Write as _;

/// How a file is made up.
#[derive(Clone, Copy)]
pub(super) struct Sheets {
    /// Its pages.
    pub(super) pages: usize,
    /// Bytes of the picture on each page, a multiple of [`WIDTH`].
    pub(super) picture: usize,
}

/// Pixels in a line of a picture.
const WIDTH: usize = 1_024;

impl Sheets {
    /// A file with a classic cross-reference table. Pictures are noise, which nobody can pack.
    pub(super) fn file(self) -> std::io::Result<Vec<u8>> {
        let mut file = Vec::with_capacity(self.pages * (self.picture + 600) + 1_000);
        let mut places = Vec::new();
        let mut noise = Noise(1);
        file.write_all(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")?;
        let pages: Vec<String> = (0..self.pages)
            .map(|page| format!("{} 0 R", 4 + 3 * page))
            .collect();
        let mut object = |file: &mut Vec<u8>, body: &[&[u8]]| {
            places.push(file.len());
            writeln!(file, "{} 0 obj", places.len())?;
            file.extend(body.concat());
            file.write_all(b"\nendobj\n")
        };
        object(&mut file, &[b"<</Type/Catalog/Pages 2 0 R>>"])?;
        let kids = format!(
            "<</Type/Pages/Count {}/Kids[{}]>>",
            self.pages,
            pages.join(" ")
        );
        object(&mut file, &[kids.as_bytes()])?;
        object(
            &mut file,
            &[b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"],
        )?;
        for page in 0..self.pages {
            let first = 4 + 3 * page;
            let dict = format!(
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {} 0 R\
                 /Resources<</Font<</F 3 0 R>>/XObject<</Im {} 0 R>>>>>>",
                first + 1,
                first + 2
            );
            object(&mut file, &[dict.as_bytes()])?;
            let text = format!(
                "BT /F 11 Tf 200 620 Td (Page {} of {}) Tj ET\nq 300 0 0 300 150 250 cm /Im Do Q\n",
                page + 1,
                self.pages
            );
            let dict = format!("<</Length {}>>\nstream\n", text.len());
            object(&mut file, &[dict.as_bytes(), text.as_bytes(), b"endstream"])?;
            let dict = format!(
                "<</Type/XObject/Subtype/Image/Width {WIDTH}/Height {}/BitsPerComponent 8\
                 /ColorSpace/DeviceGray/Length {}>>\nstream\n",
                self.picture / WIDTH,
                self.picture
            );
            object(
                &mut file,
                &[dict.as_bytes(), &noise.bytes(self.picture), b"\nendstream"],
            )?;
        }
        let start = file.len();
        write!(file, "xref\n0 {}\n0000000000 65535 f \n", places.len() + 1)?;
        for place in &places {
            writeln!(file, "{place:010} 00000 n ")?;
        }
        let size = places.len() + 1;
        write!(
            file,
            "trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
        )?;
        Ok(file)
    }
}

/// Numbers that look random.
struct Noise(u64);

impl Noise {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            bytes.extend(self.0.to_le_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}
