/// Python's `str.format`, with names, places, attributes and items, but without specifications of the form.
struct BraceFormat {
    static func formatted(_ renderer: Renderer, _ text: String, _ arguments: Arguments) throws -> String {
        var rest = Array(text.unicodeScalars)[...]
        var output = ""
        var automatic = 0
        while let scalar = rest.popFirst() {
            if scalar == "{" || scalar == "}", rest.first == scalar {
                rest.removeFirst()
                output.unicodeScalars.append(scalar)
                continue
            }
            if scalar == "}" {
                throw TemplateFailure.rendering("format: a single '}' stands in the text; double it")
            }
            guard scalar == "{" else {
                output.unicodeScalars.append(scalar)
                continue
            }
            guard let end = rest.firstIndex(of: "}") else {
                throw TemplateFailure.rendering("format: a '{' has no '}'; close or double it")
            }
            let field = String(scalars: rest[..<end])
            rest = rest[(end + 1)...]
            guard !field.contains(where: { ":!{".contains($0) }) else {
                throw TemplateFailure.unsupported(
                    "format's specifications, as in {\(field)}, are not supported by these chat templates; use "
                        + "the filter 'format', as in \"%.2f\"|format(number)")
            }
            let piece = try renderer.text(of: value(of: field, renderer, arguments, &automatic))
            try renderer.spend(text: piece)
            output += piece
            try renderer.spend(bytes: output.utf8.count > renderer.limits.textBytes ? .max : 0)
        }
        return output
    }

    private static func value(
        of field: String, _ renderer: Renderer, _ arguments: Arguments, _ automatic: inout Int
    ) throws -> Value {
        let scalars = Array(field.unicodeScalars)
        let first = scalars.prefix { $0 != "." && $0 != "[" }
        let name = String(scalars: first)
        var value: Value
        if name.isEmpty || first.allSatisfy(\.isDigit) {
            let index = name.isEmpty ? automatic : Int(name) ?? .max
            if name.isEmpty { automatic += 1 }
            guard index < arguments.positional.count else {
                throw TemplateFailure.rendering("format: the text has more places than values")
            }
            value = arguments.positional[index]
        } else {
            guard let named = arguments.named.first(where: { $0.name == name }) else {
                throw TemplateFailure.rendering("format: there is no value \(quoted(name))")
            }
            value = named.value
        }
        var rest = scalars.dropFirst(first.count)
        while let mark = rest.popFirst() {
            if mark == "." {
                let part = rest.prefix { $0 != "." && $0 != "[" }
                rest = rest.dropFirst(part.count)
                value = try renderer.attribute(String(scalars: part), of: value)
            } else {
                guard mark == "[", let end = rest.firstIndex(of: "]") else {
                    throw TemplateFailure.rendering("format: {\(field)} is no valid place")
                }
                let key = String(scalars: rest[..<end])
                rest = rest[(end + 1)...]
                let isNumber = !key.isEmpty && key.unicodeScalars.allSatisfy(\.isDigit)
                value = try renderer.item(isNumber ? .int(Int(key) ?? .max) : .string(key), of: value)
            }
        }
        return value
    }
}
