#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Python's arithmetic.
extension Renderer {
    func apply(_ operation: Expression.Operation, _ left: Value, _ right: Value) throws -> Value {
        for case .undefined(let undefined) in [left, right] where !(operation == .modulo && left.text != nil)
        {
            throw undefined.failure
        }
        if let left = left.integer, let right = right.integer { return try apply(operation, left, right) }
        if let left = left.double, let right = right.double { return try apply(operation, left, right) }
        switch operation {
        case .add: return try added(left, right)
        case .multiply: return try multiplied(left, right)
        case .modulo where left.text != nil: return try PercentFormat.formatted(self, left, right)
        default: throw mismatch(operation, left, right)
        }
    }

    private func mismatch(_ operation: Expression.Operation, _ left: Value, _ right: Value) -> TemplateFailure
    {
        .rendering("cannot compute '\(left.typeName)' \(operation.rawValue) '\(right.typeName)'")
    }

    private func apply(_ operation: Expression.Operation, _ left: Int, _ right: Int) throws -> Value {
        let result: (partialValue: Int, overflow: Bool)
        switch operation {
        case .add: result = left.addingReportingOverflow(right)
        case .subtract: result = left.subtractingReportingOverflow(right)
        case .multiply: result = left.multipliedReportingOverflow(by: right)
        case .divide:
            guard right != 0 else { throw Self.divisionByZero }
            return .float(Double(left) / Double(right))
        case .floorDivide, .modulo:
            guard right != 0 else { throw Self.divisionByZero }
            guard !(right == -1 && left == .min) else { throw Self.overflow }
            let (quotient, remainder) = left.quotientAndRemainder(dividingBy: right)
            let isRoundedUp = remainder != 0 && (remainder < 0) != (right < 0)
            return .int(
                operation == .floorDivide
                    ? quotient - (isRoundedUp ? 1 : 0) : remainder + (isRoundedUp ? right : 0))
        case .power: return try power(left, right)
        }
        guard !result.overflow else { throw Self.overflow }
        return .int(result.partialValue)
    }

    private static let divisionByZero = TemplateFailure.rendering("division by zero")
    private static let overflow = TemplateFailure.unsupported(
        "a whole number takes more than 64 bits, which these chat templates do not support")

    private func power(_ base: Int, _ exponent: Int) throws -> Value {
        if exponent < 0 {
            guard base != 0 else { throw Self.divisionByZero }
            return .float(pow(Double(base), Double(exponent)))
        }
        if base == 0 || base == 1 { return .int(exponent == 0 ? 1 : base) }
        if base == -1 { return .int(exponent % 2 == 0 ? 1 : -1) }
        guard exponent < 64 else { throw Self.overflow }
        var result = 1
        for _ in 0..<exponent {
            let (product, overflow) = result.multipliedReportingOverflow(by: base)
            guard !overflow else { throw Self.overflow }
            result = product
        }
        return .int(result)
    }

    private func apply(_ operation: Expression.Operation, _ left: Double, _ right: Double) throws -> Value {
        switch operation {
        case .add: return .float(left + right)
        case .subtract: return .float(left - right)
        case .multiply: return .float(left * right)
        case .power:
            guard !(left == 0 && right < 0) else { throw Self.divisionByZero }
            let result = pow(left, right)
            guard !(left < 0 && result.isNaN && !right.isNaN) else {
                throw TemplateFailure.unsupported("complex numbers are not supported by these chat templates")
            }
            guard result.isFinite || !left.isFinite || !right.isFinite else {
                throw TemplateFailure.rendering("the result of '**' is too large")
            }
            return .float(result)
        case .divide, .floorDivide, .modulo:
            guard right != 0 else { throw Self.divisionByZero }
            if operation == .divide { return .float(left / right) }
            var remainder = fmod(left, right)
            var quotient = (left - remainder) / right
            if remainder != 0 {
                if (remainder < 0) != (right < 0) {
                    remainder += right
                    quotient -= 1
                }
            } else {
                remainder = copysign(0, right)
            }
            if operation == .modulo { return .float(remainder) }
            guard quotient != 0 else { return .float(copysign(0, left / right)) }
            var floored = quotient.rounded(.down)
            if quotient - floored > 0.5 { floored += 1 }
            return .float(floored)
        }
    }

    func negated(_ value: Value) throws -> Value {
        if case .float(let number) = value { return .float(-number) }
        return try apply(.subtract, .int(0), .int(numberOperand(value, "-")))
    }

    func numberOperand(_ value: Value, _ sign: String) throws -> Int {
        if case .undefined(let undefined) = value { throw undefined.failure }
        guard let number = value.integer else {
            throw TemplateFailure.rendering("cannot compute \(sign)'\(value.typeName)'")
        }
        return number
    }

    private func added(_ left: Value, _ right: Value) throws -> Value {
        switch (left, right) {
        case (.list(let left), .list(let right)):
            try spend(left.items.count + right.items.count)
            return try .list(left.items + right.items)
        case (.tuple(let left), .tuple(let right)):
            try spend(left.items.count + right.items.count)
            return try .tuple(left.items + right.items)
        default:
            guard let first = left.text, let second = right.text else { throw mismatch(.add, left, right) }
            try spend(bytes: first.utf8.count + second.utf8.count)
            if left.isMarkup || right.isMarkup { return .markup(left.escaped(first) + right.escaped(second)) }
            return .string(first + second)
        }
    }

    private func multiplied(_ left: Value, _ right: Value) throws -> Value {
        let (sequence, factor) = right.integer == nil ? (right, left) : (left, right)
        guard let factor = factor.integer else { throw mismatch(.multiply, left, right) }
        let count = max(factor, 0)
        func checked(_ size: Int) throws -> Int {
            let (product, overflow) = size.multipliedReportingOverflow(by: count)
            return overflow ? .max : product
        }
        switch sequence {
        case .string(let text), .markup(let text):
            try spend(bytes: checked(text.utf8.count))
            return text.isEmpty ? sequence : sequence.sameKind(String(repeating: text, count: count))
        case .list(let list), .tuple(let list):
            let total = try checked(list.items.count)
            try spend(min(total, limits.steps))
            let items = list.items.isEmpty ? [] : (0..<count).flatMap { _ in list.items }
            if case .tuple = sequence { return try .tuple(items) }
            return try .list(items)
        default: throw mismatch(.multiply, left, right)
        }
    }
}

extension Value {
    /// A text of the kind of this one, safe HTML or not.
    func sameKind(_ text: String) -> Value { isMarkup ? .markup(text) : .string(text) }

    /// A text as it is, if this value is safe HTML; else escaped.
    func escaped(_ text: String) -> String { isMarkup ? text : text.escapedForHTML }
}

extension String {
    var escapedForHTML: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "'": result += "&#39;"
            case "\"": result += "&#34;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
