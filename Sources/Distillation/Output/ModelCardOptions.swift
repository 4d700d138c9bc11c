/// The facts of a model card that no run can know.
public struct ModelCardOptions: Sendable, Equatable, Codable {
    /// The license's identifier on the Hub, such as `apache-2.0`; `nil` takes over that of the source model's card.
    public var license: String?
    /// Languages as ISO 639 codes.
    public var languages: [String]
    /// The training data's identifiers on the Hub, never paths.
    public var datasets: [String]
    /// The identifier on the Hub of the model this one was made from; `nil` takes it from the source model's path in the
    /// Hub's cache, or from its card.
    public var baseModel: String?

    public init(
        license: String? = nil, languages: [String] = [], datasets: [String] = [], baseModel: String? = nil
    ) {
        self.license = license
        self.languages = languages
        self.datasets = datasets
        self.baseModel = baseModel
    }

    /// - Throws: ``DistillationError`` for values that the Hub would refuse.
    func validate() throws {
        if let license, license.wholeMatch(of: /[a-z0-9][a-z0-9.-]*/) == nil {
            throw DistillationError(
                "license: '\(license)' is no identifier of a license; give one of the Hub's, such as apache-2.0, mit or "
                    + "other")
        }
        for language in languages
        where language.wholeMatch(of: /[a-z]{2,3}(-[A-Za-z0-9]+)*|multilingual|code/) == nil {
            throw DistillationError(
                "language: '\(language)' is no ISO 639 code; give one such as en, de or multilingual")
        }
        for (name, value) in datasets.map({ ("datasets", $0) })
            + [baseModel].compactMap(\.self).map({ ("base_model", $0) })
        where !HubIdentifier.isValid(value) {
            throw DistillationError(
                "\(name): '\(value)' is no identifier on the Hub; give one such as google-bert/bert-base-uncased, not a "
                    + "path")
        }
    }
}
