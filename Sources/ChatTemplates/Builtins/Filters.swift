/// The filters, by their names.
enum Filters {
    typealias Filter = @Sendable (Renderer, Value, Arguments) throws -> Value

    static let table: [String: Filter] = texts.merging(sequences) { $1 }.merging(selections) { $1 }
        .merging(numbers) { $1 }

    /// What Jinja has besides.
    private static let unsupported: Set<String> = [
        "filesizeformat", "groupby", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap",
        "xmlattr",
    ]

    static func unknown(_ name: String) -> TemplateFailure {
        guard unsupported.contains(name) else {
            return .rendering("there is no filter \(quoted(name)); there are: \(names)")
        }
        return .unsupported(
            "the filter '\(name)' is not supported by these chat templates; there are: \(names)")
    }

    private static var names: String { table.keys.sorted().joined(separator: ", ") }
}
