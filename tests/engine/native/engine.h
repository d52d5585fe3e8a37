/* The debugger engine's interfaces that mingw's dbgeng.h does not declare, and UTF-8 both ways.
 *
 * mingw stops at IDebugClient4 and IDebugControl3. A COM interface is a table of methods in a fixed order,
 * so the slots between are declared as placeholders and only what the bench calls has its true name. */
#pragma once
#include <initguid.h>
#include <windows.h>
#include <dbgeng.h>
#include <string>

#ifndef DEBUG_OUTCTL_AMBIENT_TEXT
#define DEBUG_OUTCTL_AMBIENT_TEXT 0xffffffff
#define DEBUG_OUTCTL_AMBIENT_DML 0xfffffffe
#endif

#define SLOT(name) virtual HRESULT STDMETHODCALLTYPE name() = 0

struct IDebugClient5 : IDebugClient4 {
    virtual HRESULT STDMETHODCALLTYPE AttachKernelWide(ULONG flags, PCWSTR options) = 0;
    SLOT(get_kernel_options); SLOT(set_kernel_options); SLOT(start_server); SLOT(connect_server);
    SLOT(start_session); SLOT(output_servers); SLOT(get_output_callbacks);
    virtual HRESULT STDMETHODCALLTYPE SetOutputCallbacksWide(IUnknown *callbacks) = 0;
};

struct IDebugControl4 : IDebugControl3 {
    SLOT(get_log_file); SLOT(open_log_file); SLOT(input); SLOT(return_input);
    virtual HRESULT STDMETHODCALLTYPE OutputWide(ULONG mask, PCWSTR format, ...) = 0;
    SLOT(output_va_list);
    virtual HRESULT WINAPIV ControlledOutputWide(ULONG control, ULONG mask, PCWSTR format, ...) = 0;
    SLOT(controlled_output_va_list); SLOT(output_prompt); SLOT(output_prompt_va_list); SLOT(get_prompt);
    SLOT(assemble); SLOT(disassemble); SLOT(get_processor_names); SLOT(get_text_macro); SLOT(set_text_macro);
    SLOT(evaluate);
    virtual HRESULT STDMETHODCALLTYPE ExecuteWide(ULONG control, PCWSTR command, ULONG flags) = 0;
};

static const GUID IID_Client5 = {0xe3acb9d7, 0x7ec2, 0x4f0c, {0xa0, 0xda, 0xe8, 0x1e, 0x0c, 0xbb, 0xe6, 0x28}};
static const GUID IID_Control4 = {0x94e60ce9, 0x9b41, 0x4b19, {0x9f, 0xc0, 0x6d, 0x9e, 0xb3, 0x52, 0x72, 0xb3}};
static const GUID IID_OutputWide = {0x4c7fd663, 0xc394, 0x4e26, {0x8e, 0xf1, 0x34, 0xad, 0x5e, 0xd3, 0x76, 0x4c}};

static inline std::string utf8(const std::wstring &text)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, text.data(), (int)text.size(), NULL, 0, NULL, NULL);
    std::string bytes(size, 0);
    WideCharToMultiByte(CP_UTF8, 0, text.data(), (int)text.size(), &bytes[0], size, NULL, NULL);
    return bytes;
}

static inline std::wstring wide(const std::string &bytes, UINT codepage = CP_UTF8)
{
    int size = MultiByteToWideChar(codepage, 0, bytes.data(), (int)bytes.size(), NULL, 0);
    std::wstring text(size, 0);
    MultiByteToWideChar(codepage, 0, bytes.data(), (int)bytes.size(), &text[0], size);
    return text;
}
