/// What makes a student a static one: a table of vectors by token, whose mean over a text's tokens is the text's vector.
public struct StaticOptions: Sendable, Equatable, Codable {
    /// a of the weight a / (a + p) of a token with the probability p, by which the table begins; `nil` for no weights.
    public var sif: Double? = 1e-4
    /// The type in which the table is stored.
    public var tableType = StaticStudentRequest.TableType.float16
    /// True to learn a weight for each token beside its vector, as tokenlearn does; it is multiplied into the row that is saved.
    public var tokenWeights = false
    /// The width of a layer with ReLU before the classifier, as model2vec's classifiers have it; `nil` for a linear classifier.
    public var classifierHiddenSize: Int?

    public init() {}

    /// Checks a of the weights a / (a + p): so small a one that rows of float16 become zeros is refused.
    static func requireWeight(_ sif: Double?) throws {
        guard let sif, !(sif >= 1e-6 && sif < 1) else { return }
        throw DistillationError("sif must be from 1e-6 to below 1, such as 1e-4, or none; got \(sif)")
    }

    /// - Throws: ``DistillationError`` for values that no table can have.
    func validate() throws {
        try Self.requireWeight(sif)
        if let classifierHiddenSize {
            try SettingLimits.require(
                classifierHiddenSize, "classifier_hidden_size", from: 1, to: SettingLimits.count)
        }
    }
}

extension StaticOptions {
    /// The settings that belong to static students alone.
    static let names = ["sif", "table_type", "token_weights", "classifier_hidden_size"]

    /// The options that settings describe.
    ///
    /// - Throws: ``SettingsError`` for values of another kind.
    init(_ reader: SettingsReader) throws {
        self.init()
        if let text = try reader.value("sif", as: String.self) {
            guard text == "none" || Double(text) != nil else {
                throw SettingsError("sif must be a number such as 1e-4, or none, got '\(text)'")
            }
            sif = Double(text)
        }
        if let text = try reader.value("table_type", as: String.self) {
            guard let type = StaticStudentRequest.TableType(rawValue: text) else {
                throw SettingsError("table_type must be float16 or float32, got '\(text)'")
            }
            tableType = type
        }
        try reader.assign("token_weights", to: &tokenWeights)
        try reader.assign("classifier_hidden_size", to: &classifierHiddenSize)
    }

    /// Writes the options as settings.
    func write(to settings: inout Settings) {
        settings.override("student", StaticStudentRequest.studentName)
        settings.override("sif", sif.map { "\($0)" } ?? "none")
        settings.override("table_type", tableType.rawValue)
        settings.override("token_weights", tokenWeights)
        settings.override("classifier_hidden_size", classifierHiddenSize)
    }
}
