//! Drawings as PNG, for programs that show no SVG.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::Picture;

impl Picture {
    /// The drawing as PNG on its own background, and its width and height in pixels; none if it cannot be drawn, as one
    /// without an extent. Labels are drawn with fonts of the system; without one, they are left out.
    pub fn png(&self) -> Option<([u32; 2], Vec<u8>)> {
        static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
            let mut fonts = fontdb::Database::new();
            fonts.load_system_fonts();
            let wanted = fontdb::Query { families: &[fontdb::Family::SansSerif], ..fontdb::Query::default() };
            if fonts.query(&wanted).is_none() {
                // The font that stands for "sans-serif" is not installed: any upright one does, best one with the name.
                let upright = |face: &&fontdb::FaceInfo| face.style == fontdb::Style::Normal && !face.monospaced;
                let families = || fonts.faces().filter(upright).filter_map(|face| Some(&face.families.first()?.0));
                let family = families().find(|name| name.ends_with("Sans")).or_else(|| families().next()).cloned();
                family.into_iter().for_each(|family| fonts.set_sans_serif_family(family));
            }
            Arc::new(fonts)
        });
        let options = Options { fontdb: FONTS.clone(), ..Options::default() };
        let tree = Tree::from_str(&self.svg, &options).ok()?;
        let size = tree.size().to_int_size();
        let mut pixels = Pixmap::new(size.width(), size.height())?;
        resvg::render(&tree, Transform::default(), &mut pixels.as_mut());
        Some(([size.width(), size.height()], pixels.encode_png().ok()?))
    }
}

#[cfg(test)]
mod tests;
