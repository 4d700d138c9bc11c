import JSON

/// A token that is found in the text before anything else happens to it, such as `[MASK]`.
struct AddedToken: Sendable, Equatable {
    /// What is looked for in the text.
    var content: String
    /// Whether it only counts where no letter or digit touches it.
    var singleWord = false
    /// Whether the white space before it belongs to it.
    var lstrip = false
    /// Whether the white space after it belongs to it.
    var rstrip = false
    /// Whether it is looked for, normalised, in the normalised text.
    var normalized: Bool
    /// Whether it is one of the model's special tokens.
    var special: Bool

    /// A special token with the usual properties.
    init(special content: String) {
        self.content = content
        normalized = false
        special = true
    }

    /// Reads a token's properties.
    ///
    /// - Parameter special: whether the token is special, whatever its properties say.
    init(_ configuration: StageConfiguration, special: Bool? = nil) throws {
        content = try configuration.string("content")
        singleWord = try configuration.optionalBool("single_word") ?? false
        lstrip = try configuration.optionalBool("lstrip") ?? false
        rstrip = try configuration.optionalBool("rstrip") ?? false
        self.special = try special ?? configuration.optionalBool("special") ?? false
        normalized = try configuration.optionalBool("normalized") ?? !self.special
    }

    static func == (left: AddedToken, right: AddedToken) -> Bool {
        left.content.utf8.elementsEqual(right.content.utf8) && left.singleWord == right.singleWord
            && left.lstrip == right.lstrip && left.rstrip == right.rstrip
            && left.normalized == right.normalized && left.special == right.special
    }
}
