/// The path to an attribute, such as `function.name`, that filters look for in each item.
struct AttributePath {
    private var parts: [Value] = []

    /// Makes a path; without one, or with `none`, an item is meant itself.
    init(_ path: Value?) {
        guard let path, !path.isNone else { return }
        guard let text = path.text else {
            parts = [path]
            return
        }
        parts = text.pieces(separatedBy: ".").map { part in
            let isNumber = !part.isEmpty && part.unicodeScalars.allSatisfy(\.isDigit)
            return isNumber ? Int(part).map(Value.int) ?? .string(part) : .string(part)
        }
    }

    /// The paths between commas.
    static func several(_ paths: Value?) -> [AttributePath] {
        guard let text = paths?.text else { return [AttributePath(paths)] }
        return text.pieces(separatedBy: ",").map { AttributePath(.string($0)) }
    }

    /// The value at the path.
    ///
    /// - Parameter replacement: What stands for one that is undefined.
    func value(of item: Value, _ renderer: Renderer, default replacement: Value? = nil) throws -> Value {
        var value = item
        for part in parts {
            try renderer.spend()
            value = try renderer.item(part, of: value)
            if let replacement, value.isUndefined { value = replacement }
        }
        return value
    }
}
