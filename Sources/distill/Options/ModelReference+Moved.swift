extension ModelReference {
    /// Models that the Hub had under a bare name until it gave each an owner.
    private static let moved: [String: String] = {
        let names: [(owner: String, models: String)] = [
            (
                "google-bert",
                """
                bert-base-uncased bert-base-cased bert-large-uncased bert-large-cased bert-base-multilingual-uncased \
                bert-base-multilingual-cased bert-base-chinese bert-base-german-cased \
                bert-large-uncased-whole-word-masking bert-large-cased-whole-word-masking
                """
            ),
            (
                "distilbert",
                """
                distilbert-base-uncased distilbert-base-cased distilbert-base-multilingual-cased \
                distilbert-base-german-cased distilbert-base-uncased-finetuned-sst-2-english \
                distilbert-base-uncased-distilled-squad distilroberta-base distilgpt2
                """
            ),
            (
                "FacebookAI",
                "roberta-base roberta-large roberta-large-mnli roberta-large-openai-detector "
                    + "roberta-base-openai-detector xlm-roberta-base xlm-roberta-large"
            ),
            (
                "albert",
                "albert-base-v1 albert-large-v1 albert-xlarge-v1 albert-xxlarge-v1 albert-base-v2 albert-large-v2 "
                    + "albert-xlarge-v2 albert-xxlarge-v2"
            ),
            ("almanach", "camembert-base"),
            ("openai-community", "gpt2 gpt2-medium gpt2-large gpt2-xl"),
            ("google-t5", "t5-small t5-base t5-large"),
            ("xlnet", "xlnet-base-cased xlnet-large-cased"),
            (
                "microsoft",
                "mpnet-base deberta-v3-small deberta-v3-base deberta-v3-large deberta-v3-xsmall mdeberta-v3-base"
            ),
            ("google", "electra-small-discriminator electra-base-discriminator electra-large-discriminator"),
            ("answerdotai", "ModernBERT-base ModernBERT-large"),
            (
                "sentence-transformers",
                "all-MiniLM-L6-v2 all-MiniLM-L12-v2 all-mpnet-base-v2 paraphrase-MiniLM-L6-v2"
            ),
        ]
        return Dictionary(
            names.flatMap { names in
                names.models.split(separator: " ").map { (String($0), names.owner + "/" + $0) }
            },
            uniquingKeysWith: { first, _ in first })
    }()

    /// The Hub's name of a model that is known by a bare one, perhaps with a revision: `bert-base-uncased@main`.
    static func fullName(of text: String) -> String? {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let name = moved[String(first)] else { return nil }
        return parts.count > 1 ? "\(name)@\(parts[1])" : name
    }
}
