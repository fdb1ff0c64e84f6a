use super::*;

#[test]
fn every_word_has_the_picture_in_its_own_light() {
    let thumbnail = Thumbnail::new(&[200; 3 * 4]);
    let words = ["a<b".to_owned(), "<END>".to_owned()];
    let picture = attended("p7", &thumbnail, &words, &[vec![1.0, 0.0, 0.0, 0.0], vec![0.25; 4]]);
    assert_eq!(picture.svg.matches("<use href=\"#p7\"").count(), 3);
    assert_eq!(picture.svg.matches("<title>").count(), 8);
    assert_eq!(picture.svg.matches("fill-opacity=\"0.85\"").count(), 3, "what is not looked at is dark");
    for part in [">a&lt;b<", ">&lt;END&gt;<", "data:image/png;base64,iVBOR"] {
        assert!(picture.svg.contains(part), "{part}");
    }
}
