"""Key names of services that Windows and common server products install, for naming S-1-5-80-* SIDs.

The names are what stands under HKLM\\SYSTEM\\CurrentControlSet\\Services, from Microsoft's per-service guidance
("Per-user services in Windows", "Security guidelines for system services") and product documentation. A name that
is missing here costs only a name in the output; pass the target's own list to ``name_of`` to do better.
"""

from __future__ import annotations

from typing import Tuple

SERVICE_NAMES: Tuple[str, ...] = tuple(
    """
    TrustedInstaller AarSvc AJRouter ALG AppIDSvc Appinfo AppMgmt AppReadiness AppVClient AppXSvc
    AssignedAccessManagerSvc AudioEndpointBuilder Audiosrv autotimesvc AxInstSV BDESVC BFE BITS
    BcastDVRUserService BluetoothUserService BrokerInfrastructure Browser BTAGService BthAvctpSvc bthserv camsvc
    CaptureService cbdhsvc CDPSvc CDPUserSvc CertPropSvc CertSvc ClipSVC ClusSvc COMSysApp ConsentUxUserSvc
    CoreMessagingRegistrar CryptSvc CscService DcomLaunch dcsvc defragsvc DeviceAssociationService DeviceInstall
    DevQueryBroker Dfs DFSR Dhcp DHCPServer diagnosticshub.standardcollector.service diagsvc DiagTrack
    DispBrokerDesktopSvc DisplayEnhancementService DmEnrollmentSvc dmwappushservice DNS Dnscache DoSvc dot3svc DPS
    DsmSvc DsSvc DusmSvc EapHost EFS embeddedmode EntAppSvc EventLog EventSystem Fax fdPHost FDResPub fhsvc
    FontCache FrameServer gpsvc GraphicsPerfSvc hidserv HomeGroupListener HomeGroupProvider HvHost icssvc IISADMIN
    IKEEXT InstallService iphlpsvc IpxlatCfgSvc IsmServ KDC KdsSvc KeyIso KPSSVC KtmRm LanmanServer
    LanmanWorkstation lfsvc LicenseManager lltdsvc lmhosts LSM LxpSvc LxssManager MapsBroker MixedRealityOpenXRSvc
    MpsSvc MSDTC MSiSCSI msiserver MSMQ MSSQLSERVER NaturalAuthentication NcaSvc NcbService NcdAutoSetup Netlogon
    Netman netprofm NetSetupSvc NetTcpPortSharing NgcCtnrSvc NgcSvc NlaSvc nsi NTDS NtFrs OneSyncSvc p2pimsvc
    p2psvc PcaSvc PeerDistSvc perceptionsimulation PerfHost PhoneSvc pla PlugPlay PNRPAutoReg PNRPsvc PolicyAgent
    Power PrintNotify PrintSpoolerService PrintWorkflowUserSvc ProfSvc ProtectedStorage PushToInstall QWAVE RasAuto
    RasMan RemoteAccess RemoteRegistry RetailDemo RmSvc RpcEptMapper RpcLocator RpcSs SamSs SCardSvr ScDeviceEnum
    Schedule SCPolicySvc SDRSVC seclogon SecurityHealthService SEMgrSvc SENS Sense SensorDataService SensorService
    SensrSvc SessionEnv SgrmBroker SharedAccess SharedRealitySvc ShellHWDetection shpamsvc smphost SmsRouter
    SNMPTRAP spectrum Spooler sppsvc SQLBrowser SQLSERVERAGENT SQLTELEMETRY SQLWriter sshd ssh-agent SSDPSRV
    SstpSvc StateRepository stisvc StorSvc svsvc swprv SysMain SystemEventsBroker TabletInputService TapiSrv
    TermService TextInputManagementService Themes TieringEngineService TimeBrokerSvc TokenBroker TrkWks
    tzautoupdate UALSVC UevAgentService UI0Detect UmRdpService UnistoreSvc upnphost UserDataSvc UserManager UsoSvc
    UxSms VaultSvc vds VMAgent vmcompute vmicguestinterface vmicheartbeat vmickvpexchange vmicrdv vmicshutdown
    vmictimesync vmicvmsession vmicvss vmms VSS W32Time W3SVC WaaSMedicSvc WalletService WarpJITSvc WAS wbengine
    WbioSrvc Wcmsvc wcncsvc WdiServiceHost WdiSystemHost WdNisSvc WebClient Wecsvc WEPHOSTSVC wercplsupport WerSvc
    WFDSConMgrSvc WiaRpc WinDefend WinHttpAutoProxySvc Winmgmt WinRM wisvc WlanSvc wlidsvc
    wlpasvc WManSvc wmiApSrv WMPNetworkSvc workfolderssvc WpcMonSvc WPDBusEnum WpnService WpnUserService wscsvc
    WSearch WSService wuauserv wudfsvc WwanSvc XblAuthManager XblGameSave XboxGipSvc XboxNetApiSvc
    """.split()
)
