//! From a valid naga module to code. Each function is lowered once per set of variables that its pointer arguments point into,
//! so that every access knows its variable.

mod constant;
mod expression;
mod function;
mod math;
mod place;
mod statement;

use std::collections::HashMap;
use std::rc::Rc;

use naga::valid::ModuleInfo;
use naga::{AddressSpace, Handle, Module, Span, TypeInner};

use crate::interp::code::{BuiltIn, NONE, Op, Program, Reg, Slot, Space};
use crate::interp::layout::{Layout, Pointee};
use crate::interp::tidy::tidy;
use function::{Callee, Exit, Function};
use place::{Place, Root};

/// Operations of a program, and registers of an invocation, at most.
const MAX_OPS: usize = 4 << 20;
const MAX_REGISTERS: u64 = 4 << 20;
/// Functions whose code stands in another's, one in the other.
const MAX_DEPTH: u32 = 16;

/// What is not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In words.
    pub message: String,
    /// Line, from 1; 0 where there is none.
    pub line: u32,
}

/// Result of lowering.
pub type Lowered<T> = Result<T, Refusal>;

/// A function that the host provides in place of the module's: its name there, and its number for [`Op::Host`].
pub type Provided<'a> = &'a [(&'a str, u32)];

/// Scalars of a value, each in a register.
pub(super) type Regs = Rc<[Reg]>;

/// Code of entry point `name`.
pub fn entry_point(module: &Module, info: &ModuleInfo, text: &str, name: &str) -> Lowered<Program> {
    let found = module.entry_points.iter().position(|entry| entry.name == name);
    let index =
        found.ok_or_else(|| Refusal { message: format!("there is no entry point '{name}'"), line: 0 })?;
    let entry = &module.entry_points[index];
    if entry.stage != naga::ShaderStage::Compute {
        return Err(Refusal { message: format!("'{name}' is no compute shader"), line: 0 });
    }
    let mut lowering = Lowering::new(module, info, text, &[])?;
    lowering.program.workgroup = entry.workgroup_size;
    lowering.sites = statement::count_calls(module, &entry.function.body);
    let arguments = lowering.builtins(&entry.function)?;
    let privates = lowering.privates()?;
    lowering.program.ops.extend(privates);
    Function::new(&mut lowering, &entry.function, info.get_entry_point(index), arguments, None).body()?;
    lowering.op(Op::End, Span::UNDEFINED);
    lowering.finish()
}

/// Code of function `name`, to be called by the host: a pointer argument is a local of the program. Functions of `provided`
/// are the host's.
pub fn function(
    module: &Module,
    info: &ModuleInfo,
    text: &str,
    name: &str,
    provided: Provided<'_>,
) -> Lowered<Program> {
    let found = module.functions.iter().find(|(_, function)| function.name.as_deref() == Some(name));
    let (handle, function) =
        found.ok_or_else(|| Refusal { message: format!("there is no function '{name}'"), line: 0 })?;
    let mut lowering = Lowering::new(module, info, text, provided)?;
    lowering.sites = statement::count_calls(module, &function.body);
    let mut arguments = Vec::new();
    for argument in &function.arguments {
        let (ty, pointer) = match module.types[argument.ty].inner {
            TypeInner::Pointer { base, .. } => (base, true),
            _ => (argument.ty, false),
        };
        let words = lowering.words(Pointee::Type(ty), Span::UNDEFINED)?;
        let base = lowering.registers(words, Span::UNDEFINED)?;
        lowering.program.arguments.push((base, words));
        arguments.push(match pointer {
            true => expression::Value::Place(Place {
                root: Root::Local(base),
                pointee: Pointee::Type(ty),
                layout: Layout::Dense,
                fixed: 0,
                at: NONE,
                name: NONE,
            }),
            false => expression::Value::Regs((base..base + words).collect()),
        });
    }
    let privates = lowering.privates()?;
    lowering.program.ops.extend(privates);
    let result = lowering.result_of(function)?;
    if let Some(result) = &result {
        lowering.program.result = (result.first().copied().unwrap_or(0), result.len() as u32);
    }
    Function::new(&mut lowering, function, &info[handle], arguments, result).body()?;
    lowering.op(Op::End, Span::UNDEFINED);
    let mut program = lowering.finish()?;
    tidy(&mut program);
    Ok(program)
}

struct Lowering<'a> {
    pub(super) module: &'a Module,
    pub(super) info: &'a ModuleInfo,
    text: &'a str,
    provided: Provided<'a>,
    pub(super) program: Program,
    registers: u64,
    constants: HashMap<u32, Reg>,
    names: HashMap<String, u32>,
    /// Constants whose scalars lie one behind the other.
    blocks: HashMap<Handle<naga::Constant>, Regs>,
    pub(super) globals: HashMap<Handle<naga::GlobalVariable>, (Root, Layout)>,
    /// Functions that are called, by what their pointers point into, and the operations of those that are lowered.
    callees: HashMap<(Handle<naga::Function>, Vec<String>), Rc<Callee>>,
    waiting: Vec<Rc<Callee>>,
    /// How many statements call each function, of those that run.
    sites: HashMap<Handle<naga::Function>, u32>,
    /// How deep the code of functions stands in that of others.
    depth: u32,
}

impl<'a> Lowering<'a> {
    fn new(
        module: &'a Module,
        info: &'a ModuleInfo,
        text: &'a str,
        provided: Provided<'a>,
    ) -> Lowered<Lowering<'a>> {
        let mut lowering = Lowering {
            module,
            info,
            text,
            provided,
            program: Program { workgroup: [1; 3], ..Program::default() },
            registers: 0,
            constants: HashMap::new(),
            names: HashMap::new(),
            blocks: HashMap::new(),
            globals: HashMap::new(),
            callees: HashMap::new(),
            waiting: Vec::new(),
            sites: HashMap::new(),
            depth: 0,
        };
        for (handle, variable) in module.global_variables.iter() {
            let span = module.global_variables.get_span(handle);
            if let Some(global) = lowering.global(variable, span)? {
                lowering.globals.insert(handle, global);
            }
        }
        Ok(lowering)
    }

    /// Where a variable of the module lives; nothing for those that only images and samplers use.
    fn global(&mut self, variable: &naga::GlobalVariable, span: Span) -> Lowered<Option<(Root, Layout)>> {
        let pointee = Pointee::Type(variable.ty);
        let (space, layout, writable) = match variable.space {
            AddressSpace::Private => {
                let words = self.words(pointee, span)?;
                return Ok(Some((Root::Local(self.registers(words, span)?), Layout::Dense)));
            }
            AddressSpace::WorkGroup => (Space::Workgroup, Layout::Dense, true),
            AddressSpace::Uniform => (Space::Uniform, Layout::Host, false),
            AddressSpace::Storage { access } => {
                (Space::Storage, Layout::Host, access.contains(naga::StorageAccess::STORE))
            }
            _ => return Ok(None),
        };
        let (words, element) = match layout {
            Layout::Dense => (self.words(pointee, span)?, None),
            Layout::Host => match self.tail(variable.ty) {
                Some((before, of)) => (before, Some(of)),
                None => (self.module.types[variable.ty].inner.size(self.module.to_ctx()).div_ceil(4), None),
            },
        };
        if u64::from(words) > MAX_REGISTERS * 4 {
            return Err(self.refusal("a variable of more than 64 MiB", span));
        }
        let known = |pointee: Pointee| {
            let short = pointee.words(self.module).is_some_and(|words| words <= 1 << 20);
            let offsets = pointee.offsets(self.module, layout).filter(|_| short);
            offsets
                .zip(pointee.kinds(self.module))
                .map(|(offsets, kinds)| offsets.into_iter().zip(kinds).collect())
        };
        let head: Vec<_> = match (&self.module.types[variable.ty].inner, &element) {
            (_, None) => known(pointee).unwrap_or_default(),
            (TypeInner::Struct { members, .. }, Some(_)) => {
                let fixed = members.iter().take(members.len() - 1).enumerate();
                fixed
                    .filter_map(|(index, _)| pointee.member(self.module, layout, index as u32))
                    .flat_map(|(at, part)| {
                        let scalars: Vec<(u32, naga::ScalarKind)> = known(part).unwrap_or_default();
                        scalars.into_iter().map(move |(offset, kind)| (at as u32 + offset, kind))
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        let tail = element.and_then(|(_, base)| known(Pointee::Type(base))).unwrap_or_default();
        self.program.slots.push(Slot {
            name: variable.name.clone().unwrap_or_default(),
            space,
            binding: variable.binding.map(|binding| [binding.group, binding.binding]),
            writable,
            words,
            element: element.map(|(words, _)| words),
            head,
            tail,
        });
        Ok(Some((Root::Slot(self.program.slots.len() as u32 - 1), layout)))
    }

    /// Words before the runtime-sized array at the end of a type, and words and type of its elements.
    fn tail(&self, ty: Handle<naga::Type>) -> Option<(u32, (u32, Handle<naga::Type>))> {
        match &self.module.types[ty].inner {
            TypeInner::Array { base, size: naga::ArraySize::Dynamic, stride } => {
                Some((0, (stride / 4, *base)))
            }
            TypeInner::Struct { members, .. } => {
                let last = members.last()?;
                self.tail(last.ty).map(|(_, element)| (last.offset / 4, element))
            }
            _ => None,
        }
    }

    /// Registers of the built-in values that the entry point takes.
    fn builtins(&mut self, function: &naga::Function) -> Lowered<Vec<expression::Value>> {
        let mut arguments = Vec::new();
        for argument in &function.arguments {
            let mut regs = Vec::new();
            match (&argument.binding, &self.module.types[argument.ty].inner) {
                (Some(binding), _) => regs.extend(self.builtin(binding)?),
                (None, TypeInner::Struct { members, .. }) => {
                    for member in members {
                        let Some(binding) = &member.binding else { continue };
                        regs.extend(self.builtin(binding)?);
                    }
                }
                _ => {}
            }
            arguments.push(expression::Value::Regs(regs.into()));
        }
        Ok(arguments)
    }

    fn builtin(&mut self, binding: &naga::Binding) -> Lowered<Vec<Reg>> {
        let (builtin, words) = match binding {
            naga::Binding::BuiltIn(naga::BuiltIn::GlobalInvocationId) => (BuiltIn::GlobalId, 3),
            naga::Binding::BuiltIn(naga::BuiltIn::LocalInvocationId) => (BuiltIn::LocalId, 3),
            naga::Binding::BuiltIn(naga::BuiltIn::LocalInvocationIndex) => (BuiltIn::LocalIndex, 1),
            naga::Binding::BuiltIn(naga::BuiltIn::WorkGroupId) => (BuiltIn::GroupId, 3),
            naga::Binding::BuiltIn(naga::BuiltIn::NumWorkGroups) => (BuiltIn::NumGroups, 3),
            naga::Binding::BuiltIn(naga::BuiltIn::WorkGroupSize) => (BuiltIn::GroupSize, 3),
            other => return Err(self.refusal(format!("the input {other:?}"), Span::UNDEFINED)),
        };
        let base = self.registers(words, Span::UNDEFINED)?;
        self.program.builtins.push((builtin, base));
        Ok((base..base + words).collect())
    }

    /// Initial values of private variables: registers are not cleared between invocations.
    fn privates(&mut self) -> Lowered<Vec<Op>> {
        let mut ops = Vec::new();
        for (handle, variable) in self.module.global_variables.iter() {
            let Some((Root::Local(base), _)) = self.globals.get(&handle).copied() else { continue };
            let span = self.module.global_variables.get_span(handle);
            let words = self.words(Pointee::Type(variable.ty), span)?;
            ops.push(Op::Zero { dst: base, n: words });
            if let Some(init) = variable.init {
                for (index, src) in self.global_constant(init)?.iter().enumerate() {
                    ops.push(Op::Copy { dst: base + index as u32, src: *src, n: 1 });
                }
            }
        }
        self.program.places.resize(ops.len(), u32::MAX);
        Ok(ops)
    }

    /// Lowers the functions that are still to be, and sets where calls go.
    fn finish(mut self) -> Lowered<Program> {
        while let Some(callee) = self.waiting.pop() {
            callee.start.set(self.program.ops.len() as u32);
            let function = &self.module.functions[callee.function];
            let info = &self.info[callee.function];
            let (arguments, result) = (callee.arguments.clone(), callee.result.clone());
            Function::new(&mut self, function, info, arguments, result).exit(Exit::Return).body()?;
            self.op(Op::Return, Span::UNDEFINED);
        }
        let starts: HashMap<u32, u32> =
            self.callees.values().map(|callee| (callee.number, callee.start.get())).collect();
        for op in &mut self.program.ops {
            if let Op::Call { to } = op {
                *to = starts.get(to).copied().unwrap_or(0);
            }
        }
        if self.program.ops.len() > MAX_OPS {
            return Err(self.refusal("a shader that is too long for this", Span::UNDEFINED));
        }
        self.program.registers = self.registers as u32;
        self.program.waits = self.program.ops.iter().any(|op| matches!(op, Op::Barrier { .. }));
        Ok(self.program)
    }

    pub(super) fn refusal(&self, what: impl Into<String>, span: Span) -> Refusal {
        let line = if span.is_defined() { span.location(self.text).line_number } else { 0 };
        Refusal { message: format!("the interpreter does not know {}", what.into()), line }
    }

    /// Appends an operation and says which.
    pub(super) fn op(&mut self, op: Op, span: Span) -> usize {
        let place = span.to_range().map_or(u32::MAX, |range| range.start as u32);
        self.program.ops.push(op);
        self.program.places.push(place);
        self.program.ops.len() - 1
    }

    /// Fresh registers, one behind the other.
    pub(super) fn registers(&mut self, count: u32, span: Span) -> Lowered<Reg> {
        let first = self.registers;
        self.registers += u64::from(count);
        if self.registers > MAX_REGISTERS || self.program.ops.len() > MAX_OPS {
            return Err(self.refusal(
                format!(
                    "a shader whose variables and values take more than {} MiB",
                    (MAX_REGISTERS * 4) >> 20
                ),
                span,
            ));
        }
        Ok(first as Reg)
    }

    /// The register of a constant.
    pub(super) fn constant(&mut self, word: u32) -> Lowered<Reg> {
        if let Some(reg) = self.constants.get(&word) {
            return Ok(*reg);
        }
        let reg = self.registers(1, Span::UNDEFINED)?;
        self.constants.insert(word, reg);
        self.program.constants.push((reg, word));
        Ok(reg)
    }

    /// The number of a name, for messages.
    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.program.names.len() as u32;
        self.program.names.push(name.to_owned());
        self.names.insert(name.to_owned(), number);
        number
    }

    /// Scalars of a type.
    pub(super) fn words(&self, pointee: Pointee, span: Span) -> Lowered<u32> {
        let words = pointee.words(self.module);
        match words {
            Some(words) if words <= MAX_REGISTERS => Ok(words as u32),
            Some(_) => Err(self.refusal("a value or variable of more than 16 MiB", span)),
            None => Err(self.refusal("values of this type", span)),
        }
    }

    /// Registers of a function's result.
    pub(super) fn result_of(&mut self, function: &naga::Function) -> Lowered<Option<Regs>> {
        let Some(result) = &function.result else { return Ok(None) };
        let words = self.words(Pointee::Type(result.ty), Span::UNDEFINED)?;
        let base = self.registers(words, Span::UNDEFINED)?;
        Ok(Some((base..base + words).collect()))
    }
}
