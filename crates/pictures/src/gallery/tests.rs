use super::*;

#[test]
fn names_and_captions_are_escaped() {
    let references = ["b < c".to_owned()];
    let exhibit = Exhibit { name: "a&b.png", caption: "<x>", references: &references, svg: "<svg/>\n".to_owned() };
    let page = gallery(&exhibit.html());
    let wanted = "<figure>\n<figcaption><b>&lt;x&gt;</b> <small>a&amp;b.png</small></figcaption>\n<svg/>\n<ul>\n\
                  <li>b &lt; c</li>\n</ul>\n</figure>\n";
    assert!(page.contains(wanted), "{page}");
    assert!(page.contains("<title>Captions</title>"));
}
